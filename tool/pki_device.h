/* tool/pki_device.h: `trustchain pki device`, which cmd_pki.c lists. */
#ifndef TOOL_PKI_DEVICE_H
#define TOOL_PKI_DEVICE_H

int pki_device(int argc, char **argv);

#endif
