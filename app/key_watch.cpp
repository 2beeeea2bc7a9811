#include "app/key_watch.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <vector>

namespace pawl::app {

namespace {

namespace fs = std::filesystem;

std::string stamp_of(const fs::path& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return path.string() + " gone\n";
    return path.string() + " " + std::to_string(info.st_ino) + " " + std::to_string(info.st_size) + " " +
           std::to_string(info.st_mtim.tv_sec) + "." + std::to_string(info.st_mtim.tv_nsec) + "\n";
}

std::string stamp_of_folder(const fs::path& folder) {
    std::vector<std::string> stamps;
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), none; !error && entry != none; entry.increment(error))
        stamps.push_back(stamp_of(entry->path()));
    std::sort(stamps.begin(), stamps.end());
    std::string all = error ? "gone" : "";
    for (const auto& stamp : stamps) all += stamp;
    return all;
}

}  // namespace

bool KeyWatch::changed(const core::SourceFile& source) {
    if (!source.credentials || source.credentials->from == core::Credentials::From::env) return false;
    fs::path path = source.credentials->name;
    if (path.is_relative() && !secrets_dir_.empty()) path = fs::path(secrets_dir_) / path;
    auto stamp = source.credentials->from == core::Credentials::From::dir ? stamp_of_folder(path) : stamp_of(path);
    const auto [seen, is_first] = seen_.try_emplace(source.name, stamp);
    if (is_first || seen->second == stamp) return false;
    seen->second = std::move(stamp);
    return true;
}

}  // namespace pawl::app
