/* tool/tool.h: the verbs of the `trustchain` command. One cmd_*.c each, thin: options (argp), calls
 * into the libraries, one line per failure. argv[0] is "trustchain VERB" as --help shall print it.
 * Each returns the exit status (host/error.h).
 */
#ifndef TOOL_TOOL_H
#define TOOL_TOOL_H

int cmd_init(int argc, char **argv);
int cmd_key(int argc, char **argv);
int cmd_pki(int argc, char **argv);
int cmd_image(int argc, char **argv);
int cmd_sign(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_encrypt(int argc, char **argv);
int cmd_decrypt(int argc, char **argv);
int cmd_partition(int argc, char **argv);
int cmd_otadata(int argc, char **argv);
int cmd_nvs(int argc, char **argv);
int cmd_efuse(int argc, char **argv);
int cmd_flash(int argc, char **argv);
int cmd_release(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_set(int argc, char **argv);
int cmd_target(int argc, char **argv);
int cmd_device(int argc, char **argv);
int cmd_rollout(int argc, char **argv);
int cmd_token(int argc, char **argv);
int cmd_audit(int argc, char **argv);
int cmd_backup(int argc, char **argv);
int cmd_restore(int argc, char **argv);
int cmd_chip(int argc, char **argv);
int cmd_range(int argc, char **argv);
int cmd_fleet(int argc, char **argv);

#endif
