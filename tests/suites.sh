# Runs suites one after another and counts them: for tests/run and .ci/run, which source this from the project's folder.

passed=0 failed=0

# run_suite NAME COMMAND…: prints one line; on failure, the end of what the suite said.
run_suite() {
    local name=$1 log began=$SECONDS code=0
    shift
    log=$(mktemp)
    "$@" >"$log" 2>&1 || code=$?
    if [ "$code" -eq 0 ]; then
        passed=$((passed + 1))
        printf 'ok      %-12s %4d s  %s\n' "$name" $((SECONDS - began)) "$(grep -E 'assertion|^ok' "$log" | tail -n 1)"
    else
        failed=$((failed + 1))
        printf 'FAILED  %-12s %4d s  exit %d\n' "$name" $((SECONDS - began)) "$code"
        tail -n 80 "$log"
    fi
    rm -f "$log"
}

# run_suites FOLDER [NAME…]: the suites that CMake knows in FOLDER and the scripts beside them, or those named.
run_suites() {
    local folder=$1 name
    shift
    local names=("$@")
    [ ${#names[@]} -gt 0 ] ||
        mapfile -t names < <(ctest --test-dir "$folder" -N | sed -n 's/^ *Test *#[0-9]*: //p'; printf 'layering\nunits\n')
    for name in "${names[@]}"; do
        case $name in
            layering) run_suite layering tests/layering/check ;;
            units) run_suite units tests/deploy/units_test.sh ;;
            *) run_suite "$name" "$folder/test_$name" ;;
        esac
    done
}
