/* server/ddi/ddi.h: hawkBit's Direct Device Integration API: what devices ask (hawkbit-ddi.md).
 *
 * Clients are small and particular: answers are 200 where hawkBit answers 200, bodies stay short,
 * links vanish with the request that answers them (hawkbit-ddi.md 9).
 */
#ifndef SERVER_DDI_DDI_H
#define SERVER_DDI_DDI_H

#include "server/api/api.h"

int ddi_poll(struct api_call *call);
int ddi_config_data(struct api_call *call);
int ddi_deployment(struct api_call *call);
int ddi_feedback(struct api_call *call);
int ddi_cancel(struct api_call *call);
int ddi_cancel_feedback(struct api_call *call);
int ddi_installed(struct api_call *call);
int ddi_declare_installed(struct api_call *call);
int ddi_confirmation(struct api_call *call);
int ddi_confirmation_action(struct api_call *call);
int ddi_confirmation_feedback(struct api_call *call);
int ddi_auto_confirm_on(struct api_call *call);
int ddi_auto_confirm_off(struct api_call *call);
int ddi_artifacts(struct api_call *call);
int ddi_artifact(struct api_call *call);

/* FLEET_OK with call->target known, or FLEET_NONE: this route enrols nobody. */
int ddi_device(struct api_call *call);

/* Registers an unknown device where that is allowed and there is room; FLEET_NONE, FLEET_QUOTA,
 * API_MUST_WRITE. */
int ddi_enrol(struct api_call *call);

/* "https://host/TENANT/controller/v1/ID" and what `format` adds: a link. NULL: out of memory. */
json_t *ddi_link(const struct api_call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
