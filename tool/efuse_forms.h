/* tool/efuse_forms.h: eFuses as other tools keep them, and `trustchain efuse convert`.
 *
 * Three forms, told apart by what is in the file (efuse.md 7):
 *
 *     EFUSE_FORM_QEMU      336 bytes or more, ours; keys in the clear
 *     EFUSE_FORM_ESPEFUSE  512 bytes, `espefuse --virt --path-efuse-file`
 *     EFUSE_FORM_SUMMARY   `espefuse summary --format json`; some fields only
 *
 * The latter two are what software reads: a read-protected key is zeros there.
 */
#ifndef TOOL_EFUSE_FORMS_H
#define TOOL_EFUSE_FORMS_H

#include "chain/efuse.h"

enum efuse_form { EFUSE_FORM_QEMU, EFUSE_FORM_ESPEFUSE, EFUSE_FORM_SUMMARY };

#define EFUSE_FIELDS_MAX 128 /* room for efuse_field_count */

struct efuse_source {
    struct efuse efuse;
    enum efuse_form form;
    bool absent[EFUSE_FIELDS_MAX]; /* by efuse_fields[] index: not in the summary, reads 0 */
};

/* "-" is stdin. Prints its line and returns HOST_FAILED for what is none of the three, a summary of
 * another chip, or one without a field that decides about security. The caller wipes the source
 * with efuse_source_wipe(). */
int efuse_source_read(const char *path, struct efuse_source *out);
void efuse_source_wipe(struct efuse_source *source);

const char *efuse_form_name(enum efuse_form form);

int efuse_convert(int argc, char **argv);

#endif
