#include <iostream>
#include <nlohmann/json.hpp>

#include "app/commands.hpp"
#include "app/session.hpp"
#include "app/source_set.hpp"
#include "app/text_table.hpp"
#include "core/errors.hpp"
#include "core/redact.hpp"

namespace pawl::app {

namespace {

nlohmann::ordered_json describe(const core::SourceFile& source) {
    nlohmann::ordered_json streams = nlohmann::ordered_json::array();
    for (const auto& stream : source.streams) {
        nlohmann::ordered_json tables = nlohmann::ordered_json::array();
        for (const auto& emit : stream.emits) tables.push_back(source.schema + "." + emit.table);
        streams.push_back({{"stream", stream.name}, {"tables", tables}});
    }
    return {{"file", source.file}, {"source", source.name}, {"ok", true}, {"streams", streams}};
}

void tell(const core::SourceFile& source) {
    std::cout << source.file << ": ok: source " << source.name << ", " << source.streams.size()
              << " stream" << (source.streams.size() == 1 ? "" : "s") << '\n';
    TextTable table({"  stream", "asks", "writes"});
    for (const auto& stream : source.streams) {
        std::string tables;
        for (const auto& emit : stream.emits) tables += (tables.empty() ? "" : ", ") + emit.table;
        table.add(
            {"  " + stream.name, core::redact(stream.method + " " + stream.url.text()), tables});
    }
    std::cout << table.text(72);
}

}  // namespace

core::ExitCode check(const Invocation& invocation) {
    const auto settings = settings_of(invocation);
    const auto files =
        source_files(invocation.names.empty() ? source_paths(settings) : invocation.names);
    nlohmann::ordered_json results = nlohmann::ordered_json::array();
    auto code = core::ExitCode::ok;
    for (const auto& file : files) {
        try {
            const auto source = load_sources({file}, invocation.environment).front();
            if (invocation.json)
                results.push_back(describe(*source));
            else
                tell(*source);
        } catch (const core::ConfigError& error) {
            code = core::ExitCode::config;
            results.push_back(
                {{"file", file}, {"ok", false}, {"problems", core::redact(error.what())}});
            if (!invocation.json) std::cerr << core::redact(error.what()) << '\n';
        }
    }
    if (invocation.json) std::cout << results.dump(2) << '\n';
    if (code == core::ExitCode::ok)
        (void)load_sources(files, invocation.environment);  // one name, one file
    return code;
}

}  // namespace pawl::app
