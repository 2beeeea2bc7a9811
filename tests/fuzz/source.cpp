#include <algorithm>

#include "core/redact.hpp"
#include "core/source_parser.hpp"
#include "core/unicode.hpp"
#include "core/yaml_document.hpp"
#include "tests/fuzz/targets.hpp"

namespace pawl::fuzz {

namespace {

const core::Environment environment{{"KEYS", "first:secret1"}, {"HOST", "https://api.test"}, {"EMPTY", ""}};

void forget(const core::YamlNode& node) {
    core::forget_secret(node.text);
    for (const auto& value : node.variable_values) core::forget_secret(value);
    for (const auto& item : node.items) forget(item);
    for (const auto& member : node.members) forget(member.value);
}

/// Credentials of one input would make the next one slower.
void forget_secrets(std::string_view text) {
    core::Problems ignored{"x.yaml", text};
    try {
        forget(core::parse_yaml(text, environment, ignored));
    } catch (const core::ProblemsError&) {  // too many to tell: it was not read
    }
}

void check_problems(const core::ProblemsError& error, std::string_view text) {
    require(!error.problems.empty(), "refused without a reason");
    require(core::is_utf8(error.what()), "a message that is no UTF-8");
    const auto lines = std::count(text.begin(), text.end(), '\n') + 1;
    for (const auto& problem : error.problems) {
        require(!problem.message.empty(), "a problem without a message");
        require(problem.at.line >= 0 && problem.at.line <= lines, "a problem below the end of the file");
        require(problem.at.line == 0 || problem.at.column >= 1, "a problem left of its line");
    }
}

}  // namespace

void fuzz_source(std::string_view input) {
    try {
        const auto source = core::parse_source_text(input, "x.yaml", environment);
        require(!source.name.empty() && !source.streams.empty(), "an empty source was accepted");
        for (const auto& stream : source.streams) {
            require(!stream.emits.empty() && stream.rows_wanted && stream.paging_wanted, "an unfinished stream was accepted");
            require(stream.request_hash.size() == 64 && stream.mapping_hash.size() == 64, "a stream without its hashes");
            require(stream.foreach_.entries() >= 1, "a stream without partitions");
            (void)stream.foreach_.entry(stream.foreach_.entries() - 1);
        }
    } catch (const core::ProblemsError& error) {
        check_problems(error, input);
    }
    forget_secrets(input);
}

}  // namespace pawl::fuzz
