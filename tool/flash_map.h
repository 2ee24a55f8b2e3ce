/* tool/flash_map.h: `trustchain flash map`: what is where, as text, JSON or a picture. */
#ifndef TOOL_FLASH_MAP_H
#define TOOL_FLASH_MAP_H

int flash_map(int argc, char **argv);

#endif
