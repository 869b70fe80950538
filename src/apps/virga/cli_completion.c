/* SPDX-License-Identifier: Apache-2.0 */

/* `virga completion bash|zsh`: scripts that ask this program for the names it knows. */

#include "apps/virga/cli.h"

#include <stdio.h>

static const char bash_script[] =
    "# virga completion bash; use: source <(virga completion bash)\n"
    "_virga() {\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} words=()\n"
    "    case \"$COMP_CWORD:${COMP_WORDS[1]}\" in\n"
    "    1:*) words=(serve status env call clock fsck completion --help --version) ;;\n"
    "    2:call) words=($(virga call --names)) ;;\n"
    "    3:call) words=($(virga call \"${COMP_WORDS[2]}\" --names 2>/dev/null)) ;;\n"
    "    *:call)\n"
    "        words=($(virga call \"${COMP_WORDS[2]}\" \"${COMP_WORDS[3]}\" --names 2>/dev/null))\n"
    "        words+=(--input --json --help)\n"
    "        compopt -o nospace\n"
    "        ;;\n"
    "    2:clock) words=(show advance set freeze resume) ;;\n"
    "    2:completion) words=(bash zsh) ;;\n"
    "    *:serve) words=($(virga serve --help | grep -oE -- '--[a-z-]+' | sort -u)) ;;\n"
    "    *:fsck) words=(--data --help) ;;\n"
    "    *:env) words=(--endpoint --region --fish --unset) ;;\n"
    "    *:status) words=(--endpoint --json) ;;\n"
    "    esac\n"
    "    COMPREPLY=($(compgen -W \"${words[*]}\" -- \"$cur\"))\n"
    "}\n"
    "complete -F _virga virga\n";

static const char zsh_script[] =
    "#compdef virga\n"
    "# virga completion zsh; use: source <(virga completion zsh)\n"
    "_virga() {\n"
    "    local -a words_\n"
    "    case \"$CURRENT:$words[2]\" in\n"
    "    2:*) words_=(serve status env call clock fsck completion --help --version) ;;\n"
    "    3:call) words_=(${(f)\"$(virga call --names)\"}) ;;\n"
    "    4:call) words_=(${(f)\"$(virga call $words[3] --names 2>/dev/null)\"}) ;;\n"
    "    *:call)\n"
    "        words_=(${(f)\"$(virga call $words[3] $words[4] --names 2>/dev/null)\"})\n"
    "        compadd -S '' -- $words_\n"
    "        words_=(--input --json --help)\n"
    "        ;;\n"
    "    3:clock) words_=(show advance set freeze resume) ;;\n"
    "    3:completion) words_=(bash zsh) ;;\n"
    "    *:serve) words_=(${(f)\"$(virga serve --help | grep -oE -- '--[a-z-]+' | sort -u)\"}) ;;\n"
    "    *:fsck) words_=(--data --help) ;;\n"
    "    *:env) words_=(--endpoint --region --fish --unset) ;;\n"
    "    *:status) words_=(--endpoint --json) ;;\n"
    "    esac\n"
    "    compadd -- $words_\n"
    "}\n"
    "compdef _virga virga\n";

int
verb_completion(int argc, char **argv)
{
    struct vg_str shell = argc == 1 ? vg_str_of(argv[0]) : VG_STR_NONE;
    if (vg_str_eq(shell, VG_STR("bash"))) {
        fputs(bash_script, stdout);
        return 0;
    }
    if (vg_str_eq(shell, VG_STR("zsh"))) {
        fputs(zsh_script, stdout);
        return 0;
    }
    bool is_help = vg_str_eq(shell, VG_STR("--help"));
    fputs("usage: source <(virga completion bash|zsh)\n", is_help ? stdout : stderr);
    return is_help ? 0 : 2;
}
