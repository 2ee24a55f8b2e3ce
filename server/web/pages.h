/* server/web/pages.h: the console's files, which are part of the program.
 *
 * server/web/static/ is read when the program is built (embed.cmake): nothing to install, nothing
 * to lose, and what is served is what was tested.
 */
#ifndef SERVER_WEB_PAGES_H
#define SERVER_WEB_PAGES_H

#include <stddef.h>

struct page {
    const char *name; /* "app.js" */
    const char *type;
    const char *etag; /* with its quotes; of the bytes, so it changes with them */
    const unsigned char *bytes;
    size_t length;
};

/* In the order of names; ends with a row without name. */
extern const struct page pages[];

/* NULL: there is none of that name. */
const struct page *page_find(const char *name);

/* What a browser may do with a page: run and show what comes from here, ask only here, be framed by
 * nobody. No inline script or style, and no text becomes markup (Trusted Types). */
#define PAGE_POLICY                                                                                \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "                    \
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "            \
    "require-trusted-types-for 'script'; trusted-types 'none'"

#endif
