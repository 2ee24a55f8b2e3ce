/* server/web/web.c: the routes of the console. */
#include "server/api/api.h"

const struct api_route console_routes[] = {
    {0},
};

const struct api_route service_routes[] = {
    {0},
};
