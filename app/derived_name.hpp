#pragma once

#include <string>
#include <string_view>

namespace pawl::app {

/// A name of a source, stream or column, [a-z][a-z0-9_]*, made of `text`; "" where no letter is in it.
[[nodiscard]] std::string name_of(std::string_view text);
/// The same for a source, whose tables are in a schema of that name.
[[nodiscard]] std::string source_name(std::string_view text);
/// What an API is called by its host, and a stream by the path that is asked for: "github", "issues".
[[nodiscard]] std::string source_name_of(std::string_view url);
[[nodiscard]] std::string stream_name_of(std::string_view url);

}  // namespace pawl::app
