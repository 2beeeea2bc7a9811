#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/settings.hpp"
#include "core/source_file.hpp"

namespace pawl::app {

using Sources = std::vector<std::shared_ptr<const core::SourceFile>>;

/// The source files meant by `paths`: files as they are, folders by their *.yaml and *.yml, sorted.
/// Throws core::ConfigError for what is not there.
[[nodiscard]] std::vector<std::string> source_files(const std::vector<std::string>& paths);

/// Where source files are when the command line names none: `sources` of the settings, else
/// ./sources if it is there.
[[nodiscard]] std::vector<std::string> source_paths(const core::Settings& settings);

/// Reads them all. Throws core::ConfigError with the problems of all files at once, and when two
/// have one name.
[[nodiscard]] Sources load_sources(const std::vector<std::string>& files,
                                   const std::map<std::string, std::string>& environment);

/// The source called `name`. Throws UsageError with a suggestion.
[[nodiscard]] std::shared_ptr<const core::SourceFile> find_source(const Sources& sources,
                                                                  const std::string& name);
/// A source by its name among those that settings say, or the file it is written in. Throws as the functions above do.
[[nodiscard]] std::shared_ptr<const core::SourceFile> source_named(
    const core::Settings& settings, const std::map<std::string, std::string>& environment,
    const std::string& name);
/// Those of these names, in their order; all where none is named. Throws UsageError with a suggestion.
[[nodiscard]] Sources sources_named(const Sources& sources, const std::vector<std::string>& names);
/// The same for a stream of `source`.
[[nodiscard]] const core::Stream& find_stream(const core::SourceFile& source,
                                              const std::string& name);

}  // namespace pawl::app
