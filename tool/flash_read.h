/* tool/flash_read.h: `trustchain flash read` and `flash map`: looking into a flash dump, decrypting
 * where the device would (formats.md 5).
 */
#ifndef TOOL_FLASH_READ_H
#define TOOL_FLASH_READ_H

int flash_read(int argc, char **argv);
int flash_map(int argc, char **argv);

#endif
