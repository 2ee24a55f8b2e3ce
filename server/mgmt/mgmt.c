/* server/mgmt/mgmt.c: the routes of people and scripts: hawkBit's Management API. */
#include "server/api/api.h"

const struct api_route mgmt_routes[] = {
    {0},
};
