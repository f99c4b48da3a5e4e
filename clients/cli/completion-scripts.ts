export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/**
 * Each asks the program itself at every tab, `p2pmsg __complete -- WORD…`, which prints `value TAB description` a line,
 * or `:files`. Names of contacts are words of strangers: each shell gets them as data, quoted when they are inserted,
 * and never through anything that expands them (such as `compgen -W`).
 */
export const COMPLETION_SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `# bash completion for p2pmsg. For example in ~/.bashrc: source <(p2pmsg completion bash)
_p2pmsg() {
  local line quoted
  COMPREPLY=()
  while IFS= read -r line; do
    if [ "$line" = ':files' ]; then
      compopt -o default 2>/dev/null
      return
    fi
    printf -v quoted '%q' "\${line%%$'\\t'*}"
    COMPREPLY+=("$quoted")
  done < <("\${COMP_WORDS[0]}" __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _p2pmsg p2pmsg
`,
  zsh: `#compdef p2pmsg
# zsh completion for p2pmsg. For example in ~/.zshrc, after compinit: source <(p2pmsg completion zsh)
_p2pmsg() {
  local line
  local -a values descriptions
  while IFS= read -r line; do
    if [[ $line == ':files' ]]; then
      _files
      return
    fi
    values+=("\${line%%$'\\t'*}")
    descriptions+=("\${line/$'\\t'/  -- }")
  done < <("\${(Q)words[1]}" __complete -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)
  (( $#values )) && compadd -l -d descriptions -a values
}
if [ "$funcstack[1]" = '_p2pmsg' ]; then _p2pmsg "$@"; else compdef _p2pmsg p2pmsg; fi
`,
  fish: `# fish completion for p2pmsg: p2pmsg completion fish > ~/.config/fish/completions/p2pmsg.fish
function __p2pmsg_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l found ($words[1] __complete -- $words[2..-1] "$current" 2>/dev/null)
    if test "$found[1]" = ':files'
        __fish_complete_path "$current"
    else if test (count $found) -gt 0
        printf '%s\\n' $found
    end
end
complete -c p2pmsg -f -a '(__p2pmsg_complete)'
`,
};
