/* tool/flash_build.h: `trustchain flash build`: the whole flash of a device as it leaves the
 * factory, encrypted where the chip would have encrypted it on first boot (formats.md 5).
 */
#ifndef TOOL_FLASH_BUILD_H
#define TOOL_FLASH_BUILD_H

int flash_build(int argc, char **argv);

#endif
