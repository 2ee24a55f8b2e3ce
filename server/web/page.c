/* server/web/page.c: see server/web/pages.h. */
#include <string.h>

#include "server/web/pages.h"
#include "server/web/web.h"

const struct page *page_find(const char *name)
{
    for (const struct page *page = pages; page->name != NULL; page++) {
        if (strcmp(page->name, name) == 0)
            return page;
    }
    return NULL;
}

int web_page(struct api_call *call)
{
    const char *name = call->segment[0] != NULL ? call->segment[0] : "index.html";
    call->answer->page = page_find(name);
    return call->answer->page != NULL ? FLEET_OK : FLEET_NONE;
}

/* Links in pages are relative to the folder. */
int web_to_folder(struct api_call *call)
{
    strcpy(call->answer->location, "/console/");
    return api_status(call, 308);
}
