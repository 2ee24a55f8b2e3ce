/* server/mgmt/mgmt.h: hawkBit's Management API: what people, scripts and hawkBit's clients ask
 * (hawkbit-ddi.md 10). One handler a route; mgmt.c is the table. */
#ifndef SERVER_MGMT_MGMT_H
#define SERVER_MGMT_MGMT_H

#include "server/api/api.h"

/* Targets */
int mgmt_targets(struct api_call *call);
int mgmt_targets_create(struct api_call *call);
int mgmt_target(struct api_call *call);
int mgmt_target_update(struct api_call *call);
int mgmt_target_delete(struct api_call *call);
int mgmt_target_revoke(struct api_call *call);
int mgmt_target_unrevoke(struct api_call *call);
int mgmt_target_token(struct api_call *call);
int mgmt_attributes(struct api_call *call);
int mgmt_assigned_set(struct api_call *call);
int mgmt_assign_set(struct api_call *call);
int mgmt_installed_set(struct api_call *call);
int mgmt_auto_confirm(struct api_call *call);
int mgmt_auto_confirm_on(struct api_call *call);
int mgmt_auto_confirm_off(struct api_call *call);
int mgmt_target_actions(struct api_call *call);
int mgmt_action(struct api_call *call);
int mgmt_action_update(struct api_call *call);
int mgmt_action_cancel(struct api_call *call);
int mgmt_action_status(struct api_call *call);
int mgmt_action_confirm(struct api_call *call);
int mgmt_target_tags(struct api_call *call);
int mgmt_target_tag(struct api_call *call);
int mgmt_target_untag(struct api_call *call);

/* Tags, by their names */
int mgmt_tags(struct api_call *call);
int mgmt_tagged(struct api_call *call);
int mgmt_tag_targets(struct api_call *call);
int mgmt_tag_target(struct api_call *call);
int mgmt_untag_target(struct api_call *call);

/* Actions */
int mgmt_actions(struct api_call *call);

/* Software modules */
int mgmt_modules(struct api_call *call);
int mgmt_modules_create(struct api_call *call);
int mgmt_module(struct api_call *call);
int mgmt_module_update(struct api_call *call);
int mgmt_module_delete(struct api_call *call);
int mgmt_artifacts(struct api_call *call);
int mgmt_upload(struct api_call *call);
int mgmt_artifact(struct api_call *call);
int mgmt_artifact_delete(struct api_call *call);
int mgmt_artifact_download(struct api_call *call);
int mgmt_metadata(struct api_call *call);
int mgmt_metadata_create(struct api_call *call);
int mgmt_metadata_one(struct api_call *call);
int mgmt_metadata_update(struct api_call *call);
int mgmt_metadata_delete(struct api_call *call);
int mgmt_module_types(struct api_call *call);
int mgmt_module_type(struct api_call *call);

/* Distribution sets */
int mgmt_sets(struct api_call *call);
int mgmt_sets_create(struct api_call *call);
int mgmt_set(struct api_call *call);
int mgmt_set_update(struct api_call *call);
int mgmt_set_delete(struct api_call *call);
int mgmt_set_modules(struct api_call *call);
int mgmt_set_add_modules(struct api_call *call);
int mgmt_set_remove_module(struct api_call *call);
int mgmt_set_assigned(struct api_call *call);
int mgmt_assign_targets(struct api_call *call);
int mgmt_set_installed(struct api_call *call);
int mgmt_set_statistics(struct api_call *call);
int mgmt_set_invalidate(struct api_call *call);
int mgmt_set_types(struct api_call *call);
int mgmt_set_type(struct api_call *call);
int mgmt_set_type_mandatory(struct api_call *call);
int mgmt_set_type_optional(struct api_call *call);

/* Rollouts */
int mgmt_rollouts(struct api_call *call);
int mgmt_rollout_create(struct api_call *call);
int mgmt_rollout(struct api_call *call);
int mgmt_rollout_delete(struct api_call *call);
int mgmt_rollout_start(struct api_call *call);
int mgmt_rollout_pause(struct api_call *call);
int mgmt_rollout_resume(struct api_call *call);
int mgmt_rollout_stop(struct api_call *call);
int mgmt_rollout_next(struct api_call *call);
int mgmt_rollout_approve(struct api_call *call);
int mgmt_rollout_deny(struct api_call *call);
int mgmt_rollout_retry(struct api_call *call);
int mgmt_groups(struct api_call *call);
int mgmt_group(struct api_call *call);
int mgmt_group_targets(struct api_call *call);

/* Target filters */
int mgmt_filters(struct api_call *call);
int mgmt_filter_create(struct api_call *call);
int mgmt_filter(struct api_call *call);
int mgmt_filter_update(struct api_call *call);
int mgmt_filter_delete(struct api_call *call);
int mgmt_filter_set(struct api_call *call);
int mgmt_filter_assign(struct api_call *call);
int mgmt_filter_unassign(struct api_call *call);

/* The tenant, its people, its past */
int mgmt_userinfo(struct api_call *call);
int mgmt_usage(struct api_call *call);
int mgmt_settings(struct api_call *call);
int mgmt_settings_put(struct api_call *call);
int mgmt_setting(struct api_call *call);
int mgmt_setting_put(struct api_call *call);
int mgmt_setting_reset(struct api_call *call);
int mgmt_tokens(struct api_call *call);
int mgmt_token_create(struct api_call *call);
int mgmt_token_revoke(struct api_call *call);
int mgmt_audit_lines(struct api_call *call);
int mgmt_audit_verify(struct api_call *call);

#endif
