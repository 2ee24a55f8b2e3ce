/* tool/main.c: `trustchain VERB ...`: finds the verb and hands over. */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "host/error.h"
#include "tool/cli.h"
#include "tool/tool.h"

const char *argp_program_version = "trustchain " TRUSTCHAIN_VERSION;

/* A standard stream that the caller closed becomes one that fails, instead of the number of the
 * next file we open: a message must not end in a signed image. */
static void hold_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0)
            (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
    }
}

int main(int argc, char **argv)
{
    const struct rlimit no_core = {0, 0};
    const struct cli_verb verbs[] = {
        {"init", cmd_init, "start a project: keys, PKI, partition table"},
        {"key", cmd_key, "signing and flash encryption keys"},
        {"pki", cmd_pki, "local certificate authority and its certificates"},
        {"image", cmd_image, "make an image from an ELF file, inspect an image"},
        {"sign", cmd_sign, "sign an image for Secure Boot V2"},
        {"verify", cmd_verify, "judge a signed image as the device would"},
        {"encrypt", cmd_encrypt, "encrypt for a flash offset"},
        {"decrypt", cmd_decrypt, "decrypt from a flash offset"},
        {"partition", cmd_partition, "partition table: CSV and binary"},
        {"otadata", cmd_otadata, "which slot boots, and why"},
        {"nvs", cmd_nvs, "NVS partitions: from CSV, and what is in one"},
        {"efuse", cmd_efuse, "an eFuse file: make, show, burn"},
        {"flash", cmd_flash, "factory flash images: build, map, read"},
        {"release", cmd_release, "publish releases for devices to find"},
        {"serve", cmd_serve, "the HTTPS update server"},
        {"set", cmd_set, "distribution sets on the server: what can be installed"},
        {"target", cmd_target, "devices the server knows; what they are to install"},
        {"device", cmd_device, "one device's identity, and what it reported"},
        {"rollout", cmd_rollout, "a distribution set for many devices, group after group"},
        {"token", cmd_token, "tokens for the server's Management API"},
        {"audit", cmd_audit, "the server's audit log"},
        {"backup", cmd_backup, "the fleet's store and the releases into one file"},
        {"restore", cmd_restore, "what a backup holds, where there is nothing yet"},
        {"chip", cmd_chip, "the virtual ESP32-C6"},
        {"range", cmd_range, "the attack range"},
        {"fleet", cmd_fleet, "native devices in thousands, against a server"},
    };
    argp_err_exit_status = HOST_USAGE;
    hold_standard_streams();
    (void)setrlimit(RLIMIT_CORE, &no_core); /* keys must not end in a core file */
    signal(SIGPIPE, SIG_IGN);               /* a closed pipe is a failed write, reported as one */
    argv[0] = "trustchain";
    int status = cli_dispatch(verbs, sizeof verbs / sizeof *verbs, argc, argv);
    if (fflush(stdout) != 0 || ferror(stdout))
        return host_fail("stdout", "cannot be written: %s", strerror(errno));
    return status;
}
