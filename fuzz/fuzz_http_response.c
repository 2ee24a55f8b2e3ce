/* http_response: what a server may send to the update agent, whole and in two portions.
 *
 * Promises: an accepted header ends with an empty line inside the input and the bound; its numbers
 * add up; whatever came after it does not change the answer; a shorter beginning asks for more or
 * gives the same error.
 */
#include <string.h>

#include "device/agent/http.h"
#include "fuzz/fuzz.h"

static void check_accepted(const uint8_t *data, size_t size, int header,
                           const struct http_response *response)
{
    require((size_t)header <= size && (size_t)header <= HTTP_HEADER_MAX);
    require(header >= 4 && memcmp(data + header - 4, "\r\n\r\n", 4) == 0);
    require(response->status >= 100 && response->status <= 599);
    require(!response->has_range ||
            (response->first <= response->last && response->last < response->total));
    struct http_response alone;
    require(http_response_parse(data, (size_t)header, &alone) == header);
    require(memcmp(&alone, response, sizeof alone) == 0);
    require(http_response_parse(data, (size_t)header - 1, &alone) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_response response, beginning;
    int header = http_response_parse(data, size, &response);
    if (header > 0)
        check_accepted(data, size, header, &response);
    require(header != 0 || size < HTTP_HEADER_MAX);
    require(http_error_text(header)[0] != '\0');
    int half = http_response_parse(data, size / 2, &beginning);
    require(half == 0 || half == header);
    return 0;
}
