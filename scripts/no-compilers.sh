# To be read by other scripts. Puts programs on PATH that an install script would need, which only note that they
# were called and fail: an install that runs any of them is found out.

forbid_compilers() { # folder
  mkdir -p "$1"
  for name in node-gyp make python3 python cc gcc g++ c++ clang cmake prebuild-install node-pre-gyp; do
    printf '#!/bin/sh\necho "$0 $*" >>"%s/called"\nexit 1\n' "$1" >"$1/$name"
    chmod 755 "$1/$name"
  done
}

refuse_compiled() { # folder
  [ ! -e "$1/called" ] && return 0
  echo "an install script ran:" >&2
  cat "$1/called" >&2
  return 1
}
