/* server/mgmt/multipart.h: bodies of multipart/form-data (RFC 7578), whole in memory.
 *
 * Strict: the body begins with the first boundary and ends after the last one, every part has a
 * name, lines end in CRLF, no transfer encoding. What a part's data looks like does not matter.
 * Nothing is copied but names; the body must outlive the reader.
 */
#ifndef SERVER_MGMT_MULTIPART_H
#define SERVER_MGMT_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>

#define MULTIPART_BOUNDARY_MAX 70 /* RFC 2046, 5.1.1 */
#define MULTIPART_NAME_MAX     64
#define MULTIPART_FILENAME_MAX 255
#define MULTIPART_HEADERS_MAX  4096 /* bytes of one part's head */
#define MULTIPART_PARTS_MAX    16

struct multipart {
    const char *at, *end;
    char delimiter[MULTIPART_BOUNDARY_MAX + 5]; /* CRLF, two dashes, the boundary */
    size_t delimiter_length;
    unsigned parts;
    bool over;
};

struct multipart_part {
    char name[MULTIPART_NAME_MAX + 1];
    bool is_file; /* it had a file name */
    char filename[MULTIPART_FILENAME_MAX + 1];
    const char *data;
    size_t length;
};

enum multipart_step { MULTIPART_PART, MULTIPART_END, MULTIPART_BROKEN };

/* `type`: the Content-Type field. False: it names no usable boundary, or the body does not begin
 * with it. */
bool multipart_open(struct multipart *reader, const char *type, const char *body, size_t length);

/* After MULTIPART_BROKEN there is nothing more to ask. */
enum multipart_step multipart_next(struct multipart *reader, struct multipart_part *part);

#endif
