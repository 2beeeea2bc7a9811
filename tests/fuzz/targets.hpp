#pragma once

#include <array>
#include <stdexcept>
#include <string>
#include <string_view>

/// What reads texts of others, each with any bytes. A target returns or throws Violation; any other exception that comes out of
/// it is a finding as well. libfuzzer.cpp makes a fuzzer of each, tests/core/fuzz_corpus_test.cpp runs what was kept.
namespace pawl::fuzz {

struct Violation : std::logic_error {
    using std::logic_error::logic_error;
};
inline void require(bool holds, const std::string& what) {
    if (!holds) throw Violation(what);
}

void fuzz_source(std::string_view input);       ///< a source file, as `pawl check` reads it
void fuzz_expression(std::string_view input);   ///< an expression, also as a placeholder and inside a template
void fuzz_path(std::string_view input);         ///< first line: a path; the rest: the JSON document, or a fixed one
void fuzz_link_header(std::string_view input);  ///< the value of a Link header
void fuzz_csv(std::string_view input);          ///< first byte: the options; the rest: the body
void fuzz_time(std::string_view input);         ///< a time; or its format, a line break, and a time
void fuzz_json(std::string_view input);         ///< a body of JSON, and one of JSON lines
void fuzz_xml(std::string_view input);          ///< a body of XML, in whatever charset it says

struct Target {
    const char* name;
    void (*run)(std::string_view input);
};
inline constexpr std::array<Target, 8> targets{{{"source", fuzz_source},
                                                {"expression", fuzz_expression},
                                                {"path", fuzz_path},
                                                {"link_header", fuzz_link_header},
                                                {"csv", fuzz_csv},
                                                {"time", fuzz_time},
                                                {"json", fuzz_json},
                                                {"xml", fuzz_xml}}};

}  // namespace pawl::fuzz
