#pragma once

#include <string>
#include <string_view>

#include "core/source_file.hpp"

namespace pawl::core {

/// `decode: xml`: the document as a JSON object of its root element. An element is an object: of its attributes as "@name",
/// of its children by their names, of its text as "#text"; without attributes and children it is its text, or null. Names
/// keep their prefix. Children of one name are an array where there are several, or where `lists` has the name. All values
/// are text. `text` is UTF-8, whatever its XML declaration says. Throws PermanentError, with the line, for what is no XML;
/// for a DTD inside the document, which is where entities are declared (one elsewhere is never asked for); and for one that
/// is nested deeper than 128 levels.
[[nodiscard]] std::string xml_as_json(const XmlOptions& options, std::string_view text);

}  // namespace pawl::core
