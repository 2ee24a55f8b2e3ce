/* tool/flash_svg.h: a flash layout as an SVG picture.
 *
 * Left the whole flash to scale, right one row for each region, as high as the logarithm of its
 * size, joined to its place on the scale. Colours follow the viewer's light or dark theme. All text
 * from the flash is escaped; the same layout gives the same bytes.
 */
#ifndef TOOL_FLASH_SVG_H
#define TOOL_FLASH_SVG_H

#include <stdio.h>

#include "tool/flash_layout.h"

void flash_svg_draw(const struct flash_layout *layout, FILE *out);

#endif
