#include "app/command_line.hpp"

#include <algorithm>

#include "app/command_syntax.hpp"
#include "app/suggestion.hpp"

namespace pawl::app {

namespace {

CommandLineReply usage_error(const std::string& text) {
    return {"pawl: " + text + "\nTry 'pawl --help'.\n", core::ExitCode::usage};
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
