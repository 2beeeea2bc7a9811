#include "app/source_set.hpp"

#include <algorithm>
#include <filesystem>

#include "app/failure.hpp"
#include "app/suggestion.hpp"
#include "core/errors.hpp"
#include "core/source_parser.hpp"

namespace pawl::app {

namespace fs = std::filesystem;

namespace {

std::string with_suggestion(const std::string& text, const std::string& word,
                            const std::vector<std::string>& candidates) {
    if (const auto meant = nearest(word, candidates))
        return text + "; did you mean '" + *meant + "'?";
    if (candidates.empty()) return text;
    std::string all;
    for (const auto& candidate : candidates) all += (all.empty() ? "" : ", ") + candidate;
    return text + " (there is: " + all + ")";
}

std::vector<std::string> files_of_folder(const std::string& folder) {
    std::vector<std::string> files;
    for (const auto& entry : fs::directory_iterator(folder)) {
        const auto extension = entry.path().extension();
        if (entry.is_regular_file() && (extension == ".yaml" || extension == ".yml"))
            files.push_back(entry.path().string());
    }
    std::sort(files.begin(), files.end());
    if (files.empty()) throw core::ConfigError(folder + ": no source file (*.yaml) in this folder");
    return files;
}

}  // namespace

std::vector<std::string> source_files(const std::vector<std::string>& paths) {
    std::vector<std::string> files;
    for (const auto& path : paths) {
        std::error_code error;
        if (fs::is_directory(path, error)) {
            for (auto& file : files_of_folder(path)) files.push_back(std::move(file));
        } else if (fs::exists(path, error)) {
            files.push_back(path);
        } else {
            throw core::ConfigError(path + ": no such file or folder");
        }
    }
    return files;
}

std::vector<std::string> source_paths(const core::Settings& settings) {
    if (!settings.sources.empty()) return settings.sources;
    std::error_code error;
    if (fs::is_directory("sources", error)) return {"sources"};
    throw core::ConfigError(
        "no source files: name them with --sources PATH, `sources:` in pawl.yaml, or put them into "
        "./sources");
}

Sources load_sources(const std::vector<std::string>& files,
                     const std::map<std::string, std::string>& environment) {
    Sources sources;
    std::string problems;
    for (const auto& file : files) {
        try {
            sources.push_back(std::make_shared<const core::SourceFile>(
                core::load_source_file(file, environment)));
        } catch (const core::ConfigError& error) {
            problems += (problems.empty() ? "" : "\n") + std::string(error.what());
        }
    }
    std::map<std::string, std::string> file_of;
    for (const auto& source : sources) {
        const auto [other, is_new] = file_of.emplace(source->name, source->file);
        if (!is_new)
            problems += (problems.empty() ? "" : "\n") + source->file + ": source '" +
                        source->name + "' is also described by " + other->second;
    }
    if (!problems.empty()) throw core::ConfigError(problems);
    return sources;
}

std::shared_ptr<const core::SourceFile> find_source(const Sources& sources,
                                                    const std::string& name) {
    std::vector<std::string> names;
    for (const auto& source : sources) {
        if (source->name == name) return source;
        names.push_back(source->name);
    }
    throw UsageError(with_suggestion("there is no source '" + name + "'", name, names));
}

std::shared_ptr<const core::SourceFile> source_named(
    const core::Settings& settings, const std::map<std::string, std::string>& environment,
    const std::string& name) {
    std::error_code error;
    if (fs::is_regular_file(name, error)) return load_sources({name}, environment).front();
    return find_source(load_sources(source_files(source_paths(settings)), environment), name);
}

Sources sources_named(const Sources& sources, const std::vector<std::string>& names) {
    if (names.empty()) return sources;
    Sources named;
    for (const auto& name : names) named.push_back(find_source(sources, name));
    return named;
}

const core::Stream& find_stream(const core::SourceFile& source, const std::string& name) {
    if (const auto* stream = source.find(name)) return *stream;
    std::vector<std::string> names;
    for (const auto& stream : source.streams) names.push_back(stream.name);
    throw UsageError(
        with_suggestion("source '" + source.name + "' has no stream '" + name + "'", name, names));
}

}  // namespace pawl::app
