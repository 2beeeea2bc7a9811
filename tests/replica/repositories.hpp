#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace pawl::replica {

/// One repository: a row of repositories.csv, or derived from its name where the awesome list links
/// to one that is not there.
struct Repository {
    std::uint64_t id = 0;  ///< derived from the name; many are beyond 2^31
    std::string owner, name;
    std::uint64_t stars = 0, forks = 0, issues = 0;
    std::string language;  ///< "" : none
    std::string description;
    std::int64_t created_at = 0;   ///< seconds since the epoch
    std::int64_t last_commit = 0;  ///< seconds since the epoch
    bool derived = false;
    std::string old_name;  ///< what it was called before it was renamed; "" : never renamed
};

/// All repositories the replica knows, by id and by name. Read once at start.
class Repositories {
  public:
    /// Reads repositories.csv and awesome-nodejs.md in `folder`. Throws std::runtime_error when one
    /// cannot be read.
    [[nodiscard]] static Repositories load(const std::string& folder);
    /// The same from text.
    [[nodiscard]] static Repositories parse(std::string_view csv, std::string_view readme);

    [[nodiscard]] const std::vector<Repository>& all() const { return all_; }
    /// nullptr when there is none. Names are compared as GitHub does: without case.
    [[nodiscard]] const Repository* by_id(std::uint64_t id) const;
    [[nodiscard]] const Repository* by_name(std::string_view owner, std::string_view name) const;
    /// The repository that used to have this name.
    [[nodiscard]] const Repository* by_old_name(std::string_view owner,
                                                std::string_view name) const;
    [[nodiscard]] const std::string& readme() const { return readme_; }

  private:
    void add(Repository repository);

    std::vector<Repository> all_;
    std::unordered_map<std::uint64_t, std::size_t> ids_;
    std::unordered_map<std::string, std::size_t> names_, old_names_;
    std::string readme_;
};

/// All of a file. Throws std::runtime_error when it cannot be read.
[[nodiscard]] std::string read_file(const std::string& path);
/// ASCII lower case.
[[nodiscard]] std::string lower(std::string_view text);
/// The rows of an RFC 4180 document, header included: quoted fields may hold commas, quotes and
/// line ends.
[[nodiscard]] std::vector<std::vector<std::string>> parse_csv(std::string_view text);
/// "owner/name" of every link to https://github.com/owner/name, in order, each once without regard
/// to case.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> repository_links(
    std::string_view markdown);
/// "2026-07-14T19:25:58Z" to seconds since the epoch and back. Throws std::invalid_argument on
/// anything else.
[[nodiscard]] std::int64_t parse_time(std::string_view text);
[[nodiscard]] std::string format_time(std::int64_t seconds);

}  // namespace pawl::replica
