#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <string>
#include <vector>

#include "app/invocation.hpp"

namespace pawl::app {

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

/// The CLI11 description of the whole command line: commands, flags, help. Bound to the fields it fills.
struct Syntax {
    CLI::App app;
    Invocation invocation;
    Words words;

    Syntax();

  private:
    void add_global_flags();
    void add_source_commands();      // what a source file is and does
    void add_collecting_commands();  // what asks an API and stores
    void add_watching_commands();    // what tells and checks
    void add_mending_commands();     // what changes what pawl knows
    void setting_flag(const std::string& flag, const std::string& setting, const std::string& type,
                      const std::string& help);
    CLI::App* command(const std::string& name, const std::string& help,
                      const std::string& examples);
    void progress_flags(CLI::App* to);
    void accept_flag(CLI::App* to);
};

/// The long flags of `app` alone, with their dashes.
[[nodiscard]] std::vector<std::string> long_flags(const CLI::App& app);

}  // namespace pawl::app
