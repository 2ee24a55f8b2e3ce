/* tool/efuse_convert.h: `trustchain efuse convert`: between the forms of tool/efuse_file.h. */
#ifndef TOOL_EFUSE_CONVERT_H
#define TOOL_EFUSE_CONVERT_H

int efuse_convert(int argc, char **argv);

#endif
