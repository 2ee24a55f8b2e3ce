/* trustchain.ini in memory: what is taken, and the line and words of each refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/project.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define NAMED        "[product]\nname = thermo\n"

/* From a copy of exactly that length, so that a read behind it is caught. */
static bool parse(const char *text, size_t length, struct release_project *project,
                  struct ini_problem *problem)
{
    char *exact = malloc(length + 1);
    assert_non_null(exact);
    memcpy(exact + 1, text, length);
    bool good = release_project_parse(exact + 1, length, "/p", project, problem);
    free(exact);
    return good;
}

static void everything_said(void **state)
{
    static const char text[] = "; a comment\r\n"
                               "# another\n"
                               "\t[product] ; behind a section\n"
                               "  name=thermo.2  ; behind a value\n"
                               "channel = beta\n"
                               "[update]\nurl = https://u.example;x=1\npoll_seconds = 4000000\n"
                               "[flash]\nsize = 16MB\nencryption = off\n"
                               "[release]\nfolder = /srv/releases\nsigning_key = keys/now = 1.pem\n"
                               "next_signing_key = keys/next.pem\n"
                               "min_secure_version = 0x10\nmax_size = 1856K\n"
                               "[server]\nstore = sqlite:data/f.db\nlisten = 0.0.0.0:443\n"
                               "manage = [::1]:8444\nclient_ca = /etc/ca.pem\nartifacts = any\n"
                               "trusted_proxy = 10.0.0.1, ::1\nlog_format = json\n"
                               "access_log = on\nquota = 7\n"
                               "[efuse]\nsomething = for others\n[release]"; /* no line end */
    struct release_project project;
    struct ini_problem problem;
    (void)state;
    assert_true(parse(text, sizeof text - 1, &project, &problem));
    assert_string_equal(project.product, "thermo.2");
    assert_string_equal(project.channel, "beta");
    assert_int_equal(project.flash_size, 16u << 20);
    assert_false(project.encryption);
    assert_string_equal(project.releases, "/srv/releases");
    assert_string_equal(project.signing_key, "/p/keys/now = 1.pem");
    assert_string_equal(project.next_signing_key, "/p/keys/next.pem");
    assert_int_equal(project.min_secure_version, 16);
    assert_int_equal(project.max_size, 1856u << 10);
    assert_string_equal(project.server.store, "sqlite:/p/data/f.db");
    assert_string_equal(project.server.listen, "0.0.0.0:443");
    assert_string_equal(project.server.manage, "[::1]:8444");
    assert_string_equal(project.server.client_ca, "/etc/ca.pem");
    assert_string_equal(project.server.trusted_proxy, "10.0.0.1, ::1");
    assert_true(project.server.any_artifact);
    assert_true(project.server.log_json);
    assert_true(project.server.access_log);
    assert_int_equal(project.server.quota, 7);
}

static void stores(void **state)
{
    static const char *const table[][2] = {
        {"sqlite:/srv/f.db", "sqlite:/srv/f.db"},
        {"sqlite:f.db", "sqlite:/p/f.db"},
        {"postgres://u@h/d", "postgres://u@h/d"},
        {"postgresql://h/d?sslmode=verify-full", "postgresql://h/d?sslmode=verify-full"},
        {"none", "none"},
        {"sqlite:", NULL},
        {"mysql://h/d", NULL},
        {"f.db", NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        char text[128];
        struct release_project project;
        struct ini_problem problem;
        snprintf(text, sizeof text, NAMED "[server]\nstore = %s\n", table[i][0]);
        bool good = parse(text, strlen(text), &project, &problem);
        assert_int_equal(good, table[i][1] != NULL);
        if (good) {
            assert_string_equal(project.server.store, table[i][1]);
        }
    }
}

static void defaults(void **state)
{
    struct release_project project;
    struct ini_problem problem;
    (void)state;
    assert_true(parse(NAMED, sizeof NAMED - 1, &project, &problem));
    assert_string_equal(project.channel, "stable");
    assert_string_equal(project.releases, "/p/releases");
    assert_string_equal(project.signing_key, "/p/secure_keys/secure_boot_signing_key.pem");
    assert_string_equal(project.next_signing_key, "");
    assert_string_equal(project.certificate, "/p/pki/server_cert.pem");
    assert_true(project.encryption);
    assert_int_equal(project.flash_size, 4u << 20);
    assert_int_equal(project.min_secure_version, 0);
    assert_int_equal(project.max_size, 0);
    assert_string_equal(project.server.store, "sqlite:/p/fleet.db");
    assert_string_equal(project.server.client_ca, "/p/pki/ca_cert.pem");
    assert_string_equal(project.server.listen, "");
    assert_string_equal(project.server.manage, "");
    assert_false(project.server.any_artifact);
    assert_false(project.server.log_json);
    assert_int_equal(project.server.quota, PROJECT_QUOTA_DEFAULT);
}

static void sizes(void **state)
{
    static const struct {
        const char *text;
        uint32_t bytes; /* 0: refused */
    } table[] = {
        {"1", 1},
        {"4096", 4096},
        {"0x1d0000", 0x1d0000},
        {"16M", 16u << 20},
        {"16MB", 16u << 20},
        {"7KB", 7168},
        {"010", 10},
        {"16384K", 16u << 20},
        {"0", 0},
        {"16777217", 0},
        {"17M", 0},
        {"16385K", 0},
        {"4294967296", 0},
        {"4294967297K", 0},
        {"99999999999999999999", 0},
        {"-1", 0},
        {"+1", 0},
        {"1m", 0},
        {"1 M", 0},
        {"0x", 0},
        {"", 0},
        {"M", 0},
        {"1G", 0},
        {"1.5M", 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        char text[128];
        struct release_project project;
        struct ini_problem problem;
        snprintf(text, sizeof text, NAMED "[release]\nmax_size = %s\n", table[i].text);
        bool good = parse(text, strlen(text), &project, &problem);
        if (good != (table[i].bytes != 0) || (good && project.max_size != table[i].bytes)) {
            fail_msg("max_size = %s", table[i].text);
        }
    }
}

static void refusals(void **state)
{
    static const struct {
        const char *text;
        unsigned line;
        const char *words;
    } table[] = {
        {"", 0, "names no product"},
        {"[product]\n", 0, "names no product"},
        {"name = thermo\n", 1, "outside of any [section]"},
        {"[product]\nname\n", 2, "is neither"},
        {"[product]\n= thermo\n", 2, "is neither"},
        {"[product]\nname: thermo\n", 2, "is neither"},
        {"[product\nname = thermo\n", 1, "without its ]"},
        {"[]\n", 1, "without a name"},
        {"[ product ]\nname = thermo\n", 2, "no setting [ product ] name"},
        {"[product] name = thermo\n", 1, "goes on behind"},
        {"[product]\n\nname = \n", 3, "[product] name cannot be \"\""},
        {"[product]\nname = a/b\n", 2, "cannot be \"a/b\" (1 to 64 letters, digits, . _ -)"},
        {"[product]\nname = artifacts\n", 2, "cannot be \"artifacts\""},
        {NAMED "name = thermo\n", 3, "[product] name is given twice"},
        {NAMED "[flash]\n[product]\nname = lamp\n", 5, "[product] name is given twice"},
        {NAMED "nmae = thermo\n", 3, "there is no setting [product] nmae"},
        {NAMED "[Product]\nchannel = x\n", 4, "there is no setting [Product] channel"},
        {NAMED "[flash]\nsize = 3MB\n", 4, "(2MB, 4MB, 8MB or 16MB)"},
        {NAMED "[flash]\nencryption = yes\n", 4, "(on or off)"},
        {NAMED "[update]\nurl = http://x\n", 4, "(https://HOST[:PORT])"},
        {NAMED "[update]\nurl = https://\n", 4, "(https://HOST[:PORT])"},
        {NAMED "[update]\npoll_seconds = 0\n", 4, "(1 to 4000000)"},
        {NAMED "[update]\npoll_seconds = 4000001\n", 4, "(1 to 4000000)"},
        {NAMED "[release]\nmin_secure_version = 17\n", 4, "(0 to 16)"},
        {NAMED "[release]\nmin_secure_version = 1x\n", 4, "cannot be \"1x\""},
        {NAMED "[server]\nartifacts = all\n", 4, "(verified or any)"},
        {NAMED "[server]\nlog_format = xml\n", 4, "(text or json)"},
        {NAMED "[server]\nquota = 100001\n", 4, "(0 to 100000 requests a second)"},
        {NAMED "[server]\nmanage = \n", 4, "(ADDRESS:PORT)"},
        {NAMED "[release]\nfolder = ; none\n", 4, "cannot be \"\" (a path)"},
        {NAMED " more\n", 3, "is neither"}, /* no continuation lines */
        {"[product]\nname = ther\xc3\xa4mo\n", 2, "cannot be \"ther??mo\""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        struct release_project project;
        struct ini_problem problem = {.line = 99};
        bool good = parse(table[i].text, strlen(table[i].text), &project, &problem);
        if (good || problem.line != table[i].line || !strstr(problem.text, table[i].words)) {
            fail_msg("%s: %d, line %u: %s", table[i].text, good, problem.line, problem.text);
        }
    }
}

static void odd_bytes(void **state)
{
    static const char nul[] = NAMED "channel = st\0able\n";
    static const char bell[] = NAMED "channel = st\aable\n";
    struct release_project project;
    struct ini_problem problem;
    (void)state;
    assert_false(parse(nul, sizeof nul - 1, &project, &problem));
    assert_int_equal(problem.line, 3);
    assert_string_equal(problem.text, "holds a control character (0x00)");
    assert_false(parse(bell, sizeof bell - 1, &project, &problem));
    assert_string_equal(problem.text, "holds a control character (0x07)");
}

static void longest_lines_and_paths(void **state)
{
    static char text[8192];
    static char folder[PATH_MAX + 1];
    struct release_project project;
    struct ini_problem problem;
    (void)state;
    size_t head = strlen(NAMED "[release]\n");
    int length =
        snprintf(text, sizeof text, NAMED "[release]\nfolder = /%0*d", INI_LINE_MAX - 10, 7);
    assert_int_equal(length, head + INI_LINE_MAX);
    assert_true(parse(text, (size_t)length, &project, &problem));
    assert_int_equal(strlen(project.releases), INI_LINE_MAX - 9);
    length = snprintf(text, sizeof text, NAMED "[release]\nfolder = /%0*d", INI_LINE_MAX - 9, 7);
    assert_false(parse(text, (size_t)length, &project, &problem));
    assert_string_equal(problem.text, "is longer than 1023 characters");

    memset(folder, 'd', PATH_MAX);
    assert_false(release_project_parse(NAMED, sizeof NAMED - 1, folder, &project, &problem));
    assert_string_equal(problem.text, "the project's path is too long");
    folder[PATH_MAX - 100] = '\0'; /* the defaults fit, this path does not */
    length = snprintf(text, sizeof text, NAMED "[release]\nsigning_key = %0*d", 100, 7);
    assert_false(release_project_parse(text, (size_t)length, folder, &project, &problem));
    assert_int_equal(problem.line, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_said),
        cmocka_unit_test(defaults),
        cmocka_unit_test(stores),
        cmocka_unit_test(sizes),
        cmocka_unit_test(refusals),
        cmocka_unit_test(odd_bytes),
        cmocka_unit_test(longest_lines_and_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
