/* tool/efuse_report.h: an eFuse map in words and JSON. Secrets never appear: a key block shows its
 * content only when it is a Secure Boot digest, which is public.
 */
#ifndef TOOL_EFUSE_REPORT_H
#define TOOL_EFUSE_REPORT_H

#include <jansson.h>

#include "chain/efuse.h"

#define EFUSE_VALUE_TEXT 72

/* A number in decimal, a longer field as hex (block byte order), a MAC address as printed, or for a
 * key block "unused", "secret" or the digest. Returns `out`. */
char *efuse_value_text(const struct efuse *efuse, const struct efuse_field *field,
                       char out[EFUSE_VALUE_TEXT]);

/* Six pairs of hex digits with colons. */
bool efuse_mac_parse(const char *text, uint8_t mac[6]);
/* The factory's MAC address, which the block holds in reverse, or the custom one, which it holds in
 * printed order; efuse_mac_turn() goes either way. */
bool efuse_is_mac(const struct efuse_field *field);
void efuse_mac_turn(const struct efuse_field *field, const uint8_t in[6], uint8_t out[6]);

void efuse_report_print(const struct efuse *efuse);
json_t *efuse_report_json(const struct efuse *efuse);

#endif
