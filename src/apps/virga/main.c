/* SPDX-License-Identifier: Apache-2.0 */

/* The one program: `virga serve` is the cloud, `virga fsck` checks what one has left, every other
 * verb talks to one that runs. */

#include "apps/virga/cli.h"
#include "apps/virga/verbs.h"

#include <stdio.h>
#include <string.h>

struct verb {
    const char *name;
    int (*run)(int argc, char **argv); /* argv after the verb; the exit status */
    const char *help;
};

static const struct verb verbs[] = {
    { "serve", verb_serve, "run the cloud" },
    { "status", verb_status, "what the running cloud is and does" },
    { "env", verb_env, "what to export so that AWS tools talk to it" },
    { "call", verb_call, "call any operation: virga call dynamodb ListTables" },
    { "clock", verb_clock, "show or move the virtual clock" },
    { "fsck", verb_fsck, "check a data folder while no cloud runs on it" },
    { "completion", verb_completion, "completion for bash or zsh" },
};

static void
help(FILE *to)
{
    fputs("usage: virga VERB [options]\n\n"
          "A serverless cloud on your own machine that speaks AWS's own APIs.\n\n",
          to);
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        fprintf(to, "  %-11s %s\n", verbs[i].name, verbs[i].help);
    fputs("\n`virga VERB --help` tells a verb's options.\n", to);
}

int
main(int argc, char **argv)
{
    if (argc < 2) {
        help(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        help(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("virga " VIRGA_VERSION);
        return 0;
    }
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (strcmp(argv[1], verbs[i].name) == 0)
            return verbs[i].run(argc - 2, argv + 2);
    fprintf(stderr, "virga: there is no verb '%s'; see virga --help\n", argv[1]);
    return 2;
}
