/* server/mgmt/sets.h: sets and modules as several files of server/mgmt show them. */
#ifndef SERVER_MGMT_SETS_H
#define SERVER_MGMT_SETS_H

#include "server/mgmt/answer.h"

extern const struct mgmt_rows set_rows;
extern const struct mgmt_rows module_rows;

/* Answers with the set as it is now. */
int answer_set(struct api_call *call, int status, int64_t id);

/* The path's first variable, if it is a set (a module) that is in the lists. */
int path_set(struct api_call *call, int64_t *id);
int path_module(struct api_call *call, int64_t *id);

/* The types there are (hawkbit-ddi.md 10): the name of a key; NULL: no such type. */
const char *module_type_name(const char *key);
const char *set_type_name(const char *key);

/* {"id": n} of `object`. */
int member_id(struct api_call *call, json_t *object, int64_t *id);

#endif
