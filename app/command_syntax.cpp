#include "app/command_syntax.hpp"

namespace pawl::app {

namespace {

constexpr const char* description =
    "pawl collects records from rate-limited HTTP APIs into PostgreSQL.\n"
    "A page, once stored, is a step that holds: stop it at any time, start it again, it goes on.";

constexpr const char* footer =
    "Examples:\n"
    "  pawl init --from URL sources/shop.yaml  a source file to begin with, from one page of an API\n"
    "  pawl check sources/github.yaml          is the source file right?\n"
    "  pawl preview repos                      fetch one page, show the rows, store nothing\n"
    "  pawl plan github                        how much there is to ask, and how long it takes\n"
    "  pawl backfill github                    collect all of it, once; resumes by itself\n"
    "  pawl run                                keep collecting, as a service\n"
    "  pawl status                             how far it is and what it waits for\n"
    "  pawl quota                              what is left of each budget, and who spent it\n"
    "\n"
    "Without --redis and --postgres (or their settings) pawl starts private servers under its\n"
    "state directory, and stops them when it ends. Data stays.\n"
    "\n"
    "Exit codes: 0 ok, 1 failure, 2 usage, 3 finished with dead letters or failed slices,\n"
    "4 verify or test found differences, 5 dependency unreachable, 6 credentials refused, 78 bad config.";

}  // namespace

Syntax::Syntax() : app(description, "pawl") {
    app.footer(footer);
    app.get_formatter()->column_width(34);
    app.set_help_flag("-h,--help", "Show this help, or that of a command");
    app.allow_extras();  // answered below, with a suggestion
    add_global_flags();
    add_source_commands();
    add_collecting_commands();
    add_watching_commands();
    add_mending_commands();
}

void Syntax::setting_flag(const std::string& flag, const std::string& setting,
                          const std::string& type, const std::string& help) {
    auto* fields = &words.flags;
    app.add_option_function<std::string>(
           flag, [fields, setting](const std::string& value) { (*fields)[setting] = value; }, help)
        ->type_name(type);
}

void Syntax::add_global_flags() {
    app.add_option("-c,--config", invocation.config_file,
                   "Settings file (default: pawl.yaml, if there)")
        ->type_name("FILE");
    app.add_option("--sources", invocation.sources, "Source file or folder; may be repeated")
        ->type_name("PATH")
        ->expected(1)
        ->take_all();
    app.add_flag("--local", words.local, "Use private local servers, whatever is configured");
    setting_flag("--state-dir", "state_dir", "DIR", "Local servers, locks");
    setting_flag("--redis", "redis.url", "URL",
                 "redis://[user:password@]host:port[/db] or unix:///path");
    setting_flag("--postgres", "postgres.url", "URL",
                 "Anything libpq takes; PG* variables work too");
    setting_flag("--log-level", "log.level", "LEVEL", "debug, info, warn, error");
    setting_flag("--log-format", "log.format", "FORMAT", "human, logfmt, json");
    setting_flag("--listen", "http.listen", "ADDRESS", "Metrics and health: host:port");
    app.add_flag("--adopt-redis", invocation.adopt_redis, "Take over a Redis of another catalogue");
    app.add_option("--set", words.settings, "Any other setting; may be repeated")
        ->type_name("KEY=VALUE")
        ->expected(1)
        ->take_all();
    app.add_flag("--json", invocation.json, "Results as JSON on stdout");
}

CLI::App* Syntax::command(const std::string& name, const std::string& help,
                          const std::string& examples) {
    auto* sub = app.add_subcommand(name, help);
    sub->fallthrough();  // global flags may follow the command
    sub->allow_extras();
    sub->footer("Examples:\n" + examples + "\nGlobal flags and exit codes: pawl --help");
    sub->get_formatter()->column_width(34);
    return sub;
}

void Syntax::progress_flags(CLI::App* to) {
    to->add_option("--progress", words.progress, "json: one object a line on stdout")
        ->type_name("FORMAT");
    to->add_option("--progress-every", words.progress_every,
                   "Time between progress lines where no terminal is (default 30s)")
        ->type_name("DURATION");
}

void Syntax::accept_flag(CLI::App* to) {
    to->add_flag("--accept-changes", words.accept_changes, "Begun walks of a table that was renamed begin anew");
}

void Syntax::add_source_commands() {
    auto* init = command("init", "Write a source file to begin with; with --from, by looking at one page of an API",
                         "  pawl init sources/shop\n"
                         "  pawl init --from 'https://api.github.com/repos/postgres/postgres/issues?state=all' sources/github.yaml\n"
                         "  pawl init --from https://api.example.org/v1/orders --header 'Authorization: Bearer ${SHOP_TOKEN}'\n");
    init->add_option("file", invocation.names, "NAME or file to write (default and -: stdout)")->expected(0, 1);
    init->add_option("--from", invocation.from, "Fetch this page, and propose what a source file says of it")->type_name("URL");
    init->add_option("--header", invocation.headers, "Request header, 'Name: value' or 'Name: ${VARIABLE}'; may be repeated")
        ->type_name("HEADER")
        ->expected(1)
        ->take_all();
    init->add_flag("--force", invocation.force, "Write over a file that is there");

    auto* check = command("check", "Read source files and report every problem",
                          "  pawl check\n  pawl check sources/github.yaml\n");
    check->add_option("file", invocation.names,
                      "Files or folders (default: those of the settings)");

    auto* config = command("config", "What can be written into a source file: explain, schema, reference",
                           "  pawl config explain\n  pawl config explain streams.*.paginate.cursor\n"
                           "  pawl config explain limits.match\n  pawl config schema > source-file.schema.json\n"
                           "  pawl config reference --update docs/source-files.md\n");
    config->add_option("action", invocation.names, "explain [KEY], schema or reference")->required()->expected(1, 2);
    config->add_option("--update", invocation.page_to_update, "reference: renew the rows of this page instead of printing them")
        ->type_name("FILE");

    auto* preview =
        command("preview", "Fetch one page of a stream and show its rows; stores nothing",
                "  pawl preview repos\n  pawl preview github.stargazers --set repo_id=27193779\n");
    preview->add_option("stream", invocation.names, "STREAM or SOURCE.STREAM")
        ->required()
        ->expected(1);
    preview->add_option("--set", words.placeholders, "Value of a placeholder; may be repeated")
        ->type_name("NAME=VALUE")
        ->expected(1)
        ->take_all();

    auto* record = command("record", "Ask the API for the first pages of each stream, and keep its answers for `test`",
                           "  pawl record sources/github.yaml\n  pawl record sources/github.yaml stargazers --pages 3 --into recorded\n");
    record->add_option("source", invocation.names, "SOURCE or its file, [STREAM]")->required()->expected(1, 2);
    record->add_option("--into", invocation.into, "Folder (default: fixtures/SOURCE beside the file)")->type_name("DIR");
    record->add_option("--pages", invocation.pages, "Pages of each walk (default 2)")->type_name("N")->check(CLI::Range(1, 1'000));
    record->add_option("--partitions", invocation.partitions, "Partitions of each stream (default 2)")
        ->type_name("N")
        ->check(CLI::Range(1, 1'000));

    auto* test = command("test", "Run source files against recorded answers, and compare the rows; asks nobody",
                         "  pawl test sources/github.yaml\n  pawl test sources/github.yaml --update\n");
    test->add_option("file", invocation.names, "Files or folders (default: those of the settings)");
    test->add_option("--recorded", invocation.recorded, "Folder with the answers (default: fixtures/SOURCE beside the file)")
        ->type_name("DIR");
    test->add_option("--expect", invocation.expect, "Folder with the expected rows (default: rows in that folder)")->type_name("DIR");
    test->add_flag("--update", invocation.update, "Write the rows instead of comparing them");

    auto* plan = command("plan", "What would be asked, from which quota, and until when; asks nothing",
                         "  pawl plan github\n  pawl plan github repos stargazers\n  pawl plan github --json | jq .finish_at\n");
    plan->add_option("source", invocation.names, "SOURCE [STREAM…]")->required();
}

void Syntax::add_collecting_commands() {
    auto* run = command("run", "Collect on schedule until stopped",
                        "  pawl run\n  pawl run --role collector --listen 127.0.0.1:9465\n");
    run->add_option("--role", words.role, "all, collector or worker")->type_name("ROLE");
    accept_flag(run);

    auto* sync = command("sync", "Bring every stream up to date, then end",
                         "  pawl sync\n  pawl sync github\n");
    sync->add_option("source", invocation.names, "Sources (default: all)");
    progress_flags(sync);
    accept_flag(sync);

    auto* backfill =
        command("backfill", "Collect all that is not there yet, then end; resumes by itself",
                "  pawl backfill github\n  pawl backfill github repos languages\n");
    backfill->add_option("source", invocation.names, "SOURCE [STREAM…]")->required();
    backfill->add_option("--from", invocation.from, "Start of the windows to load")
        ->type_name("TIME");
    backfill->add_option("--to", invocation.to, "End of the windows to load")->type_name("TIME");
    progress_flags(backfill);
    accept_flag(backfill);

    command("migrate", "Create or update pawl's own tables",
            "  pawl migrate --postgres postgresql:///pawl\n");
}

void Syntax::add_watching_commands() {
    auto* status = command("status", "How far it is, what it waits for, what needs a person",
                           "  pawl status\n  pawl status --json | jq .sources[].queue\n");
    status->add_option("source", invocation.names, "Sources (default: all)");

    auto* quota = command("quota", "Each budget: left, spent by stream, lapsed; what is shared how",
                          "  pawl quota\n  pawl quota github --weight live=8 --weight backfill=1\n"
                          "  pawl quota github --allow ann/3f9a12cd\n");
    quota->add_option("source", invocation.names, "Sources (default: all)");
    quota->add_option("--weight", words.weights, "Share of a class where several wait: live, on_demand, backfill")
        ->type_name("CLASS=N")
        ->expected(1)
        ->take_all();
    quota->add_option("--allow", invocation.allowed_keys, "Use a refused key again; may be repeated")
        ->type_name("KEY")
        ->expected(1)
        ->take_all();

    auto* verify = command("verify", "Check that ledger, tables and queue agree",
                           "  pawl verify\n  pawl verify github stargazers\n");
    verify->add_option("source", invocation.names, "[SOURCE [STREAM]] (default: all)")
        ->expected(0, 2);
    verify->add_option("--sample", invocation.sample, "Ask the API again for so many stored pages, and compare")
        ->type_name("N")
        ->check(CLI::Range(1, 10'000));

    command("doctor", "What of the servers and source files puts pawl's promises at risk", "  pawl doctor\n  pawl doctor --json\n");
    command("version", "Show the version", "  pawl version\n");
}

void Syntax::add_mending_commands() {
    auto* dlq = command("dlq", "Pages that could not be stored: list, show, replay, drop, export",
                        "  pawl dlq list\n  pawl dlq show 17\n  pawl dlq replay github --reason 'not valid JSON'\n"
                        "  pawl dlq export github > dead.jsonl\n");
    dlq->add_option("action", invocation.names, "list, show, replay, drop or export, then [SOURCE [STREAM]], or numbers for show")
        ->required();
    dlq->add_option("--id", invocation.letters, "Only this one; may be repeated")->type_name("NUMBER")->expected(1)->take_all();
    dlq->add_option("--reason", invocation.reason, "Only those whose reason has this in it")->type_name("TEXT");
    dlq->add_flag("--all", invocation.all, "Also those that were replayed or dropped");
    dlq->add_flag("-y,--yes", invocation.yes, "Do not ask");

    auto* reset = command("reset", "Ask for all of a stream again, from page one; what is stored stays",
                          "  pawl reset github\n  pawl reset github repos stargazers --yes\n");
    reset->add_option("source", invocation.names, "SOURCE [STREAM…]")->required();
    reset->add_flag("-y,--yes", invocation.yes, "Do not ask");

    auto* forget = command("forget", "Remove what pawl knows of a stream; its tables only where told to",
                           "  pawl forget github\n  pawl forget github stargazers\n"
                           "  pawl forget github stargazers --drop-table\n");
    forget->add_option("source", invocation.names, "SOURCE [STREAM…]")->required();
    forget->add_flag("--drop-table", invocation.drop_table, "Also drop the tables it wrote, with all rows");
    forget->add_flag("-y,--yes", invocation.yes, "Do not ask");
}

std::vector<std::string> long_flags(const CLI::App& app) {
    std::vector<std::string> flags;
    for (const auto* option : app.get_options())
        for (const auto& name : option->get_lnames()) flags.push_back("--" + name);
    return flags;
}

}  // namespace pawl::app
