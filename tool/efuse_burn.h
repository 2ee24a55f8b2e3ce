/* tool/efuse_burn.h: `trustchain efuse burn`: a list of steps, tried on a copy, then written as a
 * whole or not at all.
 */
#ifndef TOOL_EFUSE_BURN_H
#define TOOL_EFUSE_BURN_H

int efuse_burn(int argc, char **argv);

#endif
