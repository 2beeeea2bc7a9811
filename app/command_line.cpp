#include "app/command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "app/suggestion.hpp"

namespace pawl::app {

namespace {

constexpr const char* description =
    "pawl collects records from rate-limited HTTP APIs into PostgreSQL.\n"
    "A page, once stored, is a step that holds: stop it at any time, start it again, it goes on.";

constexpr const char* footer =
    "Examples:\n"
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

/// The raw words of flags that are turned into an Invocation after parsing.
struct Words {
    std::vector<std::string> settings;      // KEY=VALUE
    std::vector<std::string> placeholders;  // name=value
    std::vector<std::string> weights;       // class=number
    std::string progress;
    std::string progress_every;
    std::string role = "all";
    std::map<std::string, std::string> flags;  // setting → value
    bool local = false;
    bool accept_changes = false;
};

/// The CLI11 description of the whole command line, bound to the fields it fills.
struct Syntax {
    CLI::App app{description, "pawl"};
    Invocation invocation;
    Words words;

    Syntax();

  private:
    void add_global_flags();
    void add_commands();
    void setting_flag(const std::string& flag, const std::string& setting, const std::string& type,
                      const std::string& help);
    CLI::App* command(const std::string& name, const std::string& help,
                      const std::string& examples);
    void progress_flags(CLI::App* to);
    void accept_flag(CLI::App* to);
};

Syntax::Syntax() {
    app.footer(footer);
    app.get_formatter()->column_width(34);
    app.set_help_flag("-h,--help", "Show this help, or that of a command");
    app.allow_extras();  // answered below, with a suggestion
    add_global_flags();
    add_commands();
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

void Syntax::add_commands() {
    auto* check = command("check", "Read source files and report every problem",
                          "  pawl check\n  pawl check sources/github.yaml\n");
    check->add_option("file", invocation.names,
                      "Files or folders (default: those of the settings)");

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

    command("doctor", "What of the servers and source files puts pawl's promises at risk", "  pawl doctor\n  pawl doctor --json\n");
    command("migrate", "Create or update pawl's own tables",
            "  pawl migrate --postgres postgresql:///pawl\n");
    command("version", "Show the version", "  pawl version\n");
}

CommandLineReply usage_error(const std::string& text) {
    return {"pawl: " + text + "\nTry 'pawl --help'.\n", core::ExitCode::usage};
}

std::vector<std::string> long_flags(const CLI::App& app) {
    std::vector<std::string> flags;
    for (const auto* option : app.get_options())
        for (const auto& name : option->get_lnames()) flags.push_back("--" + name);
    return flags;
}

/// What to say about a word that nothing on the command line understands.
CommandLineReply unknown_word(const CLI::App& app, const std::string& word) {
    const auto selected = app.get_subcommands();
    const bool is_flag = word.size() > 1 && word[0] == '-';
    std::vector<std::string> candidates;
    if (is_flag) {
        candidates = long_flags(app);
        if (!selected.empty())
            for (auto& flag : long_flags(*selected.front())) candidates.push_back(flag);
    } else if (selected.empty()) {
        candidates = command_names();
    }
    const std::string name = word.substr(0, word.find('='));
    const std::string kind = is_flag ? "flag" : selected.empty() ? "command" : "argument";
    std::string text = "unknown " + kind + " '" + name + "'";
    if (const auto meant = nearest(name, candidates)) text += "; did you mean '" + *meant + "'?";
    return usage_error(text);
}

/// "name=value" into `into`. False when there is no name.
bool split_assignment(const std::string& word, std::map<std::string, std::string>& into) {
    const auto equals = word.find('=');
    if (equals == 0 || equals == std::string::npos) return false;
    into[word.substr(0, equals)] = word.substr(equals + 1);
    return true;
}

std::optional<core::Millis> parse_wait(const std::string& word) {
    std::size_t end = 0;
    double number = 0;
    try {
        number = std::stod(word, &end);
    } catch (const std::exception&) {
        return std::nullopt;
    }
    const std::string unit = word.substr(end);
    const double factor = unit == "ms"                  ? 1
                          : unit == "s" || unit.empty() ? 1'000
                          : unit == "m"                 ? 60'000
                                                        : 0;
    constexpr double wait_max_ms = 86'400'000;
    const double milliseconds = number * factor;
    if (!(milliseconds >= 1) || milliseconds > wait_max_ms) return std::nullopt;
    return core::Millis(static_cast<std::int64_t>(milliseconds));
}

/// Turns the words of flags into fields; the text of the first mistake otherwise.
std::optional<std::string> finish(Syntax& syntax) {
    auto& invocation = syntax.invocation;
    const auto& words = syntax.words;
    invocation.settings = words.flags;
    if (words.local) invocation.settings["local"] = "true";
    if (words.accept_changes) invocation.settings["accept_changes"] = "true";
    for (const auto& word : words.settings)
        if (!split_assignment(word, invocation.settings))
            return "--set takes KEY=VALUE, not '" + word + "'";
    for (const auto& word : words.placeholders)
        if (!split_assignment(word, invocation.placeholders))
            return "--set takes NAME=VALUE, not '" + word + "'";
    for (const auto& word : words.weights)
        if (!split_assignment(word, invocation.weights))
            return "--weight takes CLASS=N, not '" + word + "'";
    if (words.role == "collector")
        invocation.role = Role::collector;
    else if (words.role == "worker")
        invocation.role = Role::worker;
    else if (words.role != "all")
        return "--role is all, collector or worker, not '" + words.role + "'";
    if (words.progress == "json")
        invocation.progress_json = true;
    else if (!words.progress.empty())
        return "--progress is json, not '" + words.progress + "'";
    if (!words.progress_every.empty()) {
        invocation.progress_every = parse_wait(words.progress_every);
        if (!invocation.progress_every)
            return "--progress-every takes a duration like 500ms, 5s or 1m, not '" +
                   words.progress_every + "'";
    }
    return std::nullopt;
}

}  // namespace

std::variant<Invocation, CommandLineReply> parse_command_line(
    const std::vector<std::string>& arguments) {
    Syntax syntax;
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());  // as CLI11 takes them
    try {
        syntax.app.parse(std::move(reversed));
    } catch (const CLI::CallForHelp&) {
        return CommandLineReply{syntax.app.help()};
    } catch (const CLI::ParseError& error) {
        return usage_error(error.what());  // CLI11's own exit codes (105 …) never leave the process
    }
    const auto unknown = syntax.app.remaining(true);
    const auto commands = syntax.app.get_subcommands();
    if (!unknown.empty()) return unknown_word(syntax.app, unknown.front());
    if (commands.empty()) return CommandLineReply{syntax.app.help(), core::ExitCode::usage};
    if (const auto mistake = finish(syntax)) return usage_error(*mistake);
    syntax.invocation.command = commands.front()->get_name();
    return std::move(syntax.invocation);
}

std::vector<std::string> command_names() {
    Syntax syntax;
    std::vector<std::string> names;
    for (const auto* sub : syntax.app.get_subcommands([](const CLI::App*) { return true; }))
        names.push_back(sub->get_name());
    return names;
}

std::vector<std::string> flag_names() {
    Syntax syntax;
    auto flags = long_flags(syntax.app);
    for (const auto* sub : syntax.app.get_subcommands([](const CLI::App*) { return true; }))
        for (auto& flag : long_flags(*sub)) flags.push_back(flag);
    std::sort(flags.begin(), flags.end());
    flags.erase(std::unique(flags.begin(), flags.end()), flags.end());
    return flags;
}

}  // namespace pawl::app
