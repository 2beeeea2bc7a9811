#include <malloc.h>

#include <csignal>
#include <functional>
#include <iostream>
#include <map>

#include "app/command_line.hpp"
#include "app/commands.hpp"
#include "app/failure.hpp"
#include "core/failpoint.hpp"

namespace {

using pawl::app::Invocation;
using pawl::core::ExitCode;

std::map<std::string, std::string> environment_of(char** words) {
    std::map<std::string, std::string> environment;
    for (; *words != nullptr; ++words) {
        const std::string word = *words;
        const auto equals = word.find('=');
        if (equals != std::string::npos)
            environment[word.substr(0, equals)] = word.substr(equals + 1);
    }
    return environment;
}

ExitCode carry_out(const Invocation& invocation) {
    static const std::map<std::string, std::function<ExitCode(const Invocation&)>> commands{
        {"init", pawl::app::init},         {"config", pawl::app::config},
        {"check", pawl::app::check},       {"preview", pawl::app::preview},
        {"record", pawl::app::record},     {"test", pawl::app::test},
        {"plan", pawl::app::plan},         {"run", pawl::app::run},
        {"sync", pawl::app::sync},         {"backfill", pawl::app::backfill},
        {"status", pawl::app::status},     {"quota", pawl::app::quota},
        {"dlq", pawl::app::dlq},           {"doctor", pawl::app::doctor},
        {"reset", pawl::app::reset},       {"forget", pawl::app::forget},
        {"verify", pawl::app::verify},     {"migrate", pawl::app::migrate},
        {"version", pawl::app::version}};
    return commands.at(invocation.command)(invocation);
}

// A batch of pages comes and goes every few milliseconds: what it frees is kept for the next one, else each begins with
// thousands of page faults. Bounded: more than a batch needs goes back to the system.
void keep_memory_of_a_batch() {
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
}

}  // namespace

int main(int argc, char** argv) {
    keep_memory_of_a_batch();
    std::signal(SIGPIPE, SIG_IGN);  // a peer that closes is an error of that one write
    auto parsed = pawl::app::parse_command_line({argv + 1, argv + argc});
    if (const auto* reply = std::get_if<pawl::app::CommandLineReply>(&parsed)) {
        (reply->exit_code == ExitCode::ok ? std::cout : std::cerr) << reply->text;
        return static_cast<int>(reply->exit_code);
    }
    auto& invocation = std::get<Invocation>(parsed);
    invocation.environment = environment_of(environ);
    try {
        pawl::core::arm_failpoints_from_environment();
        const auto code = carry_out(invocation);
        std::cout.flush();
        return static_cast<int>(std::cout ? code : ExitCode::failure);
    } catch (...) {
        return static_cast<int>(pawl::app::tell_failure(std::current_exception()));
    }
}
