# Runs suites and counts them: for tests/run and tests/sanitize, which source this from the project's folder.
#
# Four suites run at a time, since most of them wait more than they compute; those that only compute give way to the others. The
# three that wait most, end_to_end, faults and outages, come first, beside each other; `pace` holds pawl to the second and runs alone.

outages=(network failover zombie dns restore standby disk large)  # tags: servers and networks that are away for a while

passed=0 failed=0 suites_at_a_time=4

# run_suite NAME COMMAND…: prints one line; on failure, the end of what the suite said, without what pawl logged meanwhile.
run_suite() {
    local name=$1 log text began=$SECONDS code=0
    shift
    log=$(mktemp)
    "$@" >"$log" 2>&1 || code=$?
    if [ "$code" -eq 0 ]; then
        printf 'ok      %-12s %4d s  %s\n' "$name" $((SECONDS - began)) "$(grep -E 'assertion|^ok' "$log" | tail -n 1)"
    else
        text=$(grep -vE '^[0-9]{2}:[0-9]{2}:[0-9]{2}\.' "$log" | tail -n 80)
        printf 'FAILED  %-12s %4d s  exit %d\n%s\n' "$name" $((SECONDS - began)) "$code" "$text"
    fi
    rm -f "$log"
    return "$code"
}

# start_suite FOLDER NAME: the suite of that name, in the background.
start_suite() {
    local folder=$1 name=$2
    case $name in
        layering) run_suite layering tests/layering/check & ;;
        sources) run_suite sources tests/sources/check "$folder/pawl" & ;;
        schema) run_suite schema tests/schema/check "$folder/pawl" & ;;
        units) run_suite units tests/deploy/units_test.sh & ;;
        tutorial) run_suite tutorial tests/tutorial/run & ;;
        model) run_suite model nice tests/model/run safety faults & ;;
        core | simulation) run_suite "$name" nice "$folder/test_$name" & ;;
        end_to_end) run_suite end_to_end "$folder/test_end_to_end" '~[pace]~[faults]~[.]' & ;;
        faults) run_suite faults "$folder/test_end_to_end" "[faults]$(printf '~[%s]' "${outages[@]}")" & ;;
        outages) run_suite outages "$folder/test_end_to_end" "$(printf '[faults][%s],' "${outages[@]}")" & ;;
        storage) case $folder in
            *tsan) run_suite storage "$folder/test_storage" '[threads]' & ;;
            *) run_suite storage "$folder/test_storage" & ;;
        esac ;;
        pace) run_suite pace "$folder/test_end_to_end" '[pace]' & ;;
        *) run_suite "$name" "$folder/test_$name" & ;;
    esac
}

# await_suite: one of those in the background has ended.
await_suite() {
    if wait -n; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}

# run_suites FOLDER [NAME…]: the suites that CMake knows in FOLDER and the scripts beside them, or those named.
run_suites() {
    local folder=$1 name running=0
    shift
    local names=("$@")
    [ ${#names[@]} -gt 0 ] ||
        mapfile -t names < <(ctest --test-dir "$folder" -N | sed -n 's/^ *Test *#[0-9]*: //p'; printf 'model\nlayering\nsources\nschema\nunits\ntutorial\n')
    trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
    for name in "${names[@]}"; do
        [ "$name" != pace ] || continue
        if [ "$running" -eq "$suites_at_a_time" ]; then await_suite; else running=$((running + 1)); fi
        start_suite "$folder" "$name"
    done
    for (( ; running > 0; running--)); do await_suite; done
    [[ " ${names[*]} " != *" pace "* ]] || { start_suite "$folder" pace; await_suite; }
    trap - EXIT
}
