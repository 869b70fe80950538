/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIRGA_VERBS_H
#define VIRGA_VERBS_H

/* The verbs of the command line; each gets argv after its own name and returns the exit status. */

int verb_fsck(int argc, char **argv);
int verb_serve(int argc, char **argv);

#endif
