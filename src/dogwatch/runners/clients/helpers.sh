# Gives every Bash script the helpers; read by way of BASH_ENV. See helpers.py for what is said.
# A call takes a lane, a pair of FIFOs, and rings the bell; no other program takes part.

_dogwatch_ask() {
  if [[ ! -p ${DOGWATCH_HELPERS-}/bell ]]; then
    builtin printf 'dogwatch: helpers work in runs of Dogwatch only\n' >&2
    return 1
  fi
  builtin local LC_ALL=C IFS=$' \t\n'
  builtin local _dogwatch_a _dogwatch_lengths= _dogwatch_to _dogwatch_from _dogwatch_kind
  for _dogwatch_a in "$DOGWATCH_TOKEN" "$@"; do _dogwatch_lengths+=" ${#_dogwatch_a}"; done
  until _dogwatch_lane; do [[ -p $DOGWATCH_HELPERS/bell ]] || return; done
  builtin printf '%s\n' "${_dogwatch_lengths# }" >&"$_dogwatch_to"
  builtin printf '%s' "$DOGWATCH_TOKEN" "$@" >&"$_dogwatch_to"
  builtin read -r -u "$_dogwatch_from" _dogwatch_kind _dogwatch_length
  if ((_dogwatch_length > 4096)); then
    # Whole blocks at once: the shell itself reads a pipe byte by byte.
    _dogwatch_body=$(builtin command -p head -c "$_dogwatch_length" <&"$_dogwatch_from" && builtin printf .)
    _dogwatch_body=${_dogwatch_body%.}
  elif ((_dogwatch_length)); then
    IFS= builtin read -r -N "$_dogwatch_length" -u "$_dogwatch_from" _dogwatch_body
  else
    _dogwatch_body=
  fi
  exec {_dogwatch_to}>&- {_dogwatch_from}<&-
  if [[ $_dogwatch_kind == error ]]; then
    builtin printf 'dogwatch: %s\n' "$_dogwatch_body" >&2
    _dogwatch_body=
    return 1
  fi
}

_dogwatch_lane() {
  builtin local _dogwatch_letter=
  if ! builtin read -r -t 2 -N 1 _dogwatch_letter <"$DOGWATCH_HELPERS/free"; then
    builtin printf '!' >"$DOGWATCH_HELPERS/bell"
    return 1
  fi
  [[ -p $DOGWATCH_HELPERS/$_dogwatch_letter.ask ]] || return
  { exec {_dogwatch_to}<>"$DOGWATCH_HELPERS/$_dogwatch_letter.ask" \
    {_dogwatch_from}<>"$DOGWATCH_HELPERS/$_dogwatch_letter.say"; } 2>/dev/null || return
  builtin printf %s "$_dogwatch_letter" >"$DOGWATCH_HELPERS/bell"
}

_dogwatch_call() {
  builtin local _dogwatch_body _dogwatch_length _dogwatch_name=
  case $1 in
    output)
      if (($# < 2)); then
        _dogwatch_body=$(builtin command -p cat && builtin printf .)
        builtin set -- output "${_dogwatch_body%.}"
      fi
      ;;
    getVariable) [[ ${2-} != -v ]] || { _dogwatch_name=$3 && builtin set -- getVariable "${@:4}"; } ;;
  esac
  _dogwatch_ask "$@" || return
  if [[ $_dogwatch_name ]]; then
    builtin printf -v "$_dogwatch_name" %s "$_dogwatch_body"
  elif [[ $1 == get* || $1 == input || $1 == event ]]; then
    [[ -z $_dogwatch_body ]] || builtin printf '%s\n' "$_dogwatch_body"
  fi
}

# The helpers themselves follow, in all their spellings.
