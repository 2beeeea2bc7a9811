#include <algorithm>

#include "core/charset.hpp"
#include "core/decode_xml.hpp"
#include "core/errors.hpp"
#include "core/json_document.hpp"
#include "core/unicode.hpp"
#include "tests/fuzz/targets.hpp"

namespace pawl::fuzz {

void fuzz_xml(std::string_view input) {
    std::string json;
    std::string text;
    try {
        text = core::with_utf8(core::as_utf8(std::string(input), core::Stream::Decode::xml, "application/xml"));
        json = core::xml_as_json({.lists = {"item", "a"}}, text);
    } catch (const core::PermanentError& error) {
        const std::string_view reason = error.what();
        require(reason.starts_with("line ") || reason.starts_with("its charset"), "refused without a place");
        return;
    }
    // No entity grows: a byte of text becomes at most six ( → \u00xx), a tag at most its name with what JSON puts around it.
    require(json.size() <= text.size() * 8 + 64, "more JSON than its XML can hold");
    // Elements of one name are an array in their parent: two levels of JSON for one of XML.
    const auto document = core::JsonDocument::parse(json, {.depth_max = 300});  // a refusal is a finding
    require(document.kind(document.root()) == core::JsonKind::object, "no object");
    require(document.child_count(document.root()) == 1, "not one root");
}

}  // namespace pawl::fuzz
