#include "tests/replica/repositories.hpp"

#include <chrono>
#include <cstdio>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>

#include "tests/replica/permutation.hpp"

namespace pawl::replica {
namespace {

constexpr std::int64_t day = 86'400;
/// The day of the ranking that repositories.csv is: nothing is younger.
constexpr std::int64_t snapshot = 1'787'443'200;  // 2026-08-23T00:00:00Z
/// GitHub opened in April 2008.
constexpr std::int64_t opened = 1'207'785'600;

std::string key_of(std::string_view owner, std::string_view name) {
    return lower(owner) + "/" + lower(name);
}

/// Some time between GitHub's opening and `last_commit`, the same for the same name.
std::int64_t creation_time(std::uint64_t hash, std::int64_t last_commit) {
    auto span = static_cast<std::uint64_t>(std::max<std::int64_t>(last_commit - opened, day));
    return last_commit - static_cast<std::int64_t>(day + hash % span);
}

Repository from_row(const std::vector<std::string>& row) {
    Repository repository;
    repository.name = row[2];
    repository.stars = std::stoull(row[3]);
    repository.forks = std::stoull(row[4]);
    repository.language = row[5];
    repository.owner = row[7];
    repository.issues = std::stoull(row[8]);
    repository.last_commit = parse_time(row[9]);
    repository.description = row[10];
    repository.created_at =
        creation_time(hash_text(key_of(repository.owner, repository.name)), repository.last_commit);
    return repository;
}

/// A repository of the awesome list that the ranking does not have. Stars are skewed: a few have
/// tens of thousands, most hundreds.
Repository derive(const std::string& owner, const std::string& name) {
    auto hash = hash_text(key_of(owner, name));
    auto next = [&hash](std::uint64_t below) { return (hash = mix(hash)) % below; };
    Repository repository;
    repository.owner = owner;
    repository.name = name;
    repository.derived = true;
    repository.stars = 20 + (std::uint64_t{1} << next(14)) + next(200);
    repository.forks = repository.stars / (4 + next(12));
    repository.issues = next(repository.stars / 20 + 2);
    repository.language = next(3) == 0 ? "TypeScript" : "JavaScript";
    repository.description = name + " for Node.js";
    repository.last_commit = snapshot - static_cast<std::int64_t>(next(900 * day));
    repository.created_at = creation_time(next(~std::uint64_t{0}), repository.last_commit);
    if (next(50) == 0) {  // renamed since the list was written
        repository.old_name = name;
        repository.name = "next-" + name;
    }
    return repository;
}

}  // namespace

std::string read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) throw std::runtime_error("cannot read " + path);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    return out;
}

std::vector<std::vector<std::string>> parse_csv(std::string_view text) {
    std::vector<std::vector<std::string>> rows;
    std::vector<std::string> row;
    std::string field;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (quoted) {
            if (c != '"')
                field += c;
            else if (i + 1 < text.size() && text[i + 1] == '"')
                field += text[++i];
            else
                quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == ',') {
            row.push_back(std::move(field));
            field.clear();
        } else if (c == '\n') {
            row.push_back(std::move(field));
            field.clear();
            rows.push_back(std::move(row));
            row.clear();
        } else if (c != '\r') {
            field += c;
        }
    }
    if (!field.empty() || !row.empty()) {
        row.push_back(std::move(field));
        rows.push_back(std::move(row));
    }
    return rows;
}

std::vector<std::pair<std::string, std::string>> repository_links(std::string_view markdown) {
    constexpr std::string_view prefix = "https://github.com/";
    auto word = [&](std::size_t from) {
        auto to = from;
        while (to < markdown.size() &&
               (std::isalnum(static_cast<unsigned char>(markdown[to])) ||
                std::string_view("_.-").find(markdown[to]) != std::string_view::npos))
            ++to;
        return markdown.substr(from, to - from);
    };
    std::vector<std::pair<std::string, std::string>> links;
    std::set<std::string> seen;
    for (auto at = markdown.find(prefix); at != std::string_view::npos;
         at = markdown.find(prefix, at + 1)) {
        auto owner = word(at + prefix.size());
        auto slash = at + prefix.size() + owner.size();
        if (owner.empty() || slash >= markdown.size() || markdown[slash] != '/') continue;
        auto name = word(slash + 1);
        if (!name.empty() && seen.insert(key_of(owner, name)).second)
            links.emplace_back(owner, name);
    }
    return links;
}

std::int64_t parse_time(std::string_view text) {
    int year = 0, month = 0, date = 0, hour = 0, minute = 0, sec = 0;
    if (std::sscanf(std::string(text).c_str(), "%4d-%2d-%2dT%2d:%2d:%2dZ", &year, &month, &date,
                    &hour, &minute, &sec) != 6)
        throw std::invalid_argument("not a time: " + std::string(text));
    auto days = std::chrono::sys_days(std::chrono::year(year) / month / date);
    return days.time_since_epoch().count() * day + hour * 3600 + minute * 60 + sec;
}

std::string format_time(std::int64_t seconds) {
    std::chrono::sys_days days{std::chrono::days(seconds / day)};
    std::chrono::year_month_day date(days);
    auto rest = seconds % day;
    std::string out = "0000-00-00T00:00:00Z";
    auto put = [&out](std::size_t at, int digits, std::int64_t value) {
        for (auto i = at + static_cast<std::size_t>(digits); i-- > at; value /= 10)
            out[i] = static_cast<char>('0' + value % 10);
    };
    put(0, 4, static_cast<int>(date.year()));
    put(5, 2, static_cast<unsigned>(date.month()));
    put(8, 2, static_cast<unsigned>(date.day()));
    put(11, 2, rest / 3600);
    put(14, 2, rest / 60 % 60);
    put(17, 2, rest % 60);
    return out;
}

Repositories Repositories::load(const std::string& folder) {
    return parse(read_file(folder + "/repositories.csv"), read_file(folder + "/awesome-nodejs.md"));
}

Repositories Repositories::parse(std::string_view csv, std::string_view readme) {
    Repositories out;
    out.readme_ = readme;
    bool header = true;
    for (const auto& row : parse_csv(csv)) {
        if (!header && row.size() >= 11 && !out.by_name(row[7], row[2])) out.add(from_row(row));
        header = false;
    }
    for (const auto& [owner, name] : repository_links(readme)) {
        // github.com/sponsors/… is a page of GitHub's own, no repository: asked for one, GitHub
        // says 404.
        if (lower(owner) != "sponsors" && !out.by_name(owner, name)) out.add(derive(owner, name));
    }
    return out;
}

void Repositories::add(Repository repository) {
    auto name = key_of(repository.owner, repository.name);
    auto hash = hash_text("repository/" + name);
    repository.id = 10'000 + (hash >> 31);  // up to 2^33: three of four are beyond 32 bits signed
    while (ids_.count(repository.id)) ++repository.id;
    ids_[repository.id] = all_.size();
    names_[name] = all_.size();
    if (!repository.old_name.empty())
        old_names_[key_of(repository.owner, repository.old_name)] = all_.size();
    all_.push_back(std::move(repository));
}

const Repository* Repositories::by_id(std::uint64_t id) const {
    auto found = ids_.find(id);
    return found == ids_.end() ? nullptr : &all_[found->second];
}

const Repository* Repositories::by_name(std::string_view owner, std::string_view name) const {
    auto found = names_.find(key_of(owner, name));
    return found == names_.end() ? nullptr : &all_[found->second];
}

const Repository* Repositories::by_old_name(std::string_view owner, std::string_view name) const {
    auto found = old_names_.find(key_of(owner, name));
    return found == old_names_.end() ? nullptr : &all_[found->second];
}

}  // namespace pawl::replica
