/* server/ddi/links.h: pieces of answers that several files of server/ddi make. */
#ifndef SERVER_DDI_LINKS_H
#define SERVER_DDI_LINKS_H

#include "server/api/api.h"
#include "server/fleet/catalog.h"

/* The files of a module as DDI shows them, always an array: *out is the caller's. */
int ddi_module_artifacts(struct api_call *call, int64_t module, json_t **out);

/* "wait_for_confirmation" in upper case. */
void ddi_upper(const char *word, char *out, size_t size);

#endif
