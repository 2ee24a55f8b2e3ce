/* tool/flash_read.h: `trustchain flash read`: a flash dump taken apart, decrypted where the device
 * decrypts (formats.md 5).
 */
#ifndef TOOL_FLASH_READ_H
#define TOOL_FLASH_READ_H

int flash_read(int argc, char **argv);

#endif
