/* tool/efuse_file.h: eFuses in a file, ours or of other tools.
 *
 * Three forms, told apart by what is in the file (efuse.md 7):
 *
 *     EFUSE_FORM_QEMU      336 bytes or more, ours; keys in the clear
 *     EFUSE_FORM_ESPEFUSE  512 bytes, `espefuse --virt --path-efuse-file`
 *     EFUSE_FORM_SUMMARY   `espefuse summary --format json`; some fields only
 *
 * The latter two are what software reads: a read-protected key is zeros there. Every verb reads all
 * three; a burn leaves the file in its form, and a summary cannot be burned.
 */
#ifndef TOOL_EFUSE_FILE_H
#define TOOL_EFUSE_FILE_H

#include "chain/efuse.h"
#include "host/file.h"

enum efuse_form { EFUSE_FORM_QEMU, EFUSE_FORM_ESPEFUSE, EFUSE_FORM_SUMMARY };

#define EFUSE_FIELDS_MAX 128 /* room for efuse_field_count */
#define EFUSE_VIRT_BYTES 512u

struct efuse_file {
    struct efuse efuse;
    enum efuse_form form;
    bool absent[EFUSE_FIELDS_MAX]; /* by efuse_fields[] index: not in the summary, reads 0 */
    struct buffer bytes;           /* as read; what is behind or around the eFuses stays */
};

/* "-" is stdin. HOST_FAILED after its line for what is none of the three, a summary of another
 * chip, or one without a field that decides about security. Free what was read: it holds keys. */
int efuse_file_read(const char *path, struct efuse_file *out);
/* The same of a file in memory, called `name` in messages. *bytes is taken over, whatever comes. */
int efuse_file_parse(const char *name, struct buffer *bytes, struct efuse_file *out);
int efuse_file_write(const char *path, struct efuse_file *file); /* 0600, as it holds keys */
void efuse_file_free(struct efuse_file *file);

/* Is there a flash encryption key in place of which this form shows zeros? */
bool efuse_file_hides_key(const struct efuse_file *file);

const char *efuse_form_name(enum efuse_form form);

/* The eFuses put where the 512 bytes have them; the other registers stay as they are there. */
void efuse_to_virt(const struct efuse *efuse, uint8_t bytes[EFUSE_VIRT_BYTES]);

#endif
