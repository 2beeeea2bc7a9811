// pawl dlq: what could not be stored, why, and what is to become of it.
#include <fmt/format.h>
#include <algorithm>
#include <charconv>
#include <iostream>
#include <limits>
#include <nlohmann/json.hpp>

#include "app/asking.hpp"
#include "app/commands.hpp"
#include "app/failure.hpp"
#include "app/reach.hpp"
#include "app/session.hpp"
#include "app/source_set.hpp"
#include "app/text_table.hpp"
#include "core/errors.hpp"
#include "core/job.hpp"
#include "storage/dead_letters.hpp"
#include "worker/page_mapper.hpp"

namespace pawl::app {

namespace {

using Json = nlohmann::ordered_json;
using storage::DeadLetter;

constexpr std::size_t letters_per_call = 100;
constexpr std::size_t letters_shown = 1'000;
constexpr std::size_t reason_shown = 120;  // characters
constexpr std::size_t body_shown = 4'000;  // bytes, on a terminal

std::int64_t id_of(const std::string& word) {
    std::int64_t id = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), id);
    if (error != std::errc() || end != word.data() + word.size() || id < 1)
        throw UsageError("the number of a dead letter is meant, not '" + word + "': pawl dlq list shows them");
    return id;
}

Json to_json(const DeadLetter& letter) {
    return {{"id", letter.id},         {"source", letter.source}, {"stream", letter.stream}, {"part", letter.part},
            {"slice", letter.slice},   {"seq", letter.seq},       {"state", letter.state},   {"reason", letter.reason},
            {"status", letter.status}, {"url", letter.url},       {"bytes", letter.bytes},   {"created_at", letter.created_at}};
}

std::string dump(const Json& json, int indent = -1) { return json.dump(indent, ' ', false, Json::error_handler_t::replace); }

/// One run of the command, by the action that was asked for.
class Dlq {
  public:
    explicit Dlq(const Invocation& invocation)
        : invocation_(invocation), action_(action_of(invocation)), choice_(choice_of(invocation)), session_(invocation, {.redis = false, .postgres = true}) {
        session_.settings.migrate = false;
        (void)session_.wait_for(reach_postgres(session_));
        letters_.emplace(session_.postgres);
    }

    core::ExitCode run() {
        if (action_ == "list") return list();
        if (action_ == "show") return show();
        if (action_ == "export") return export_all();
        if (action_ == "drop") return drop();
        return replay();
    }

  private:
    static std::string action_of(const Invocation& invocation) {
        static const std::vector<std::string> actions{"list", "show", "replay", "drop", "export"};
        const auto& action = invocation.names.front();
        if (std::find(actions.begin(), actions.end(), action) == actions.end())
            throw UsageError("dlq list, show, replay, drop or export, not '" + action + "'");
        return action;
    }
    static storage::DeadLetterChoice choice_of(const Invocation& invocation) {
        storage::DeadLetterChoice choice;
        const std::vector<std::string> names(invocation.names.begin() + 1, invocation.names.end());
        if (invocation.names.front() == "show") {
            if (names.empty()) throw UsageError("dlq show NUMBER…: pawl dlq list shows them");
            for (const auto& name : names) choice.ids.push_back(id_of(name));
            choice.only_dead = false;
            return choice;
        }
        if (names.size() > 2) throw UsageError("dlq " + invocation.names.front() + " [SOURCE [STREAM]]");
        if (!names.empty()) choice.source = names[0];
        if (names.size() > 1) choice.stream = names[1];
        for (const auto& id : invocation.letters) choice.ids.push_back(id_of(id));
        choice.reason = invocation.reason;
        choice.only_dead = !invocation.all;
        return choice;
    }

    /// All that were chosen, `letters_per_call` at a time; `stop` after so many.
    template <typename Each>
    std::size_t each(std::size_t stop, Each take) {
        std::int64_t after = 0;
        std::size_t count = 0;
        while (true) {
            auto some = session_.wait_for(letters_->list(choice_, after, letters_per_call));
            for (auto& letter : some) {
                after = letter.id;
                if (count == stop) return count + 1;
                ++count;
                take(std::move(letter));
            }
            if (some.size() < letters_per_call) return count;
        }
    }

    core::ExitCode list() {
        Json all = Json::array();
        TextTable table({"id", "stream", "part", "page", "reason", "status", "size", "since", "state"});
        const auto count = each(letters_shown, [&](DeadLetter letter) {
            if (invocation_.json) return all.push_back(to_json(letter));
            table.add({std::to_string(letter.id), letter.source + "." + letter.stream, letter.part, std::to_string(letter.seq),
                       letter.reason, std::to_string(letter.status), bytes_text(letter.bytes), letter.created_at, letter.state});
        });
        if (invocation_.json) std::cout << dump(all, 2) << '\n';
        else if (count == 0) std::cout << "No dead letters.\n";
        else std::cout << table.text(reason_shown);
        if (count > letters_shown) std::cerr << "Only the first 1,000 are shown. pawl dlq export has all.\n";
        return core::ExitCode::ok;
    }

    Json whole(const DeadLetter& letter, std::string& body) {
        auto json = to_json(letter);
        const auto job = session_.wait_for(letters_->job(letter.id));
        if (!job) return json;
        json["envelope"] = Json::parse(job->encode_envelope());
        try {
            body = core::decompress(job->body, session_.settings.http.body_max);
        } catch (const core::PermanentError& error) {
            json["body_error"] = error.what();
        }
        return json;
    }

    core::ExitCode show() {
        Json all = Json::array();
        const auto count = each(letters_shown, [&](const DeadLetter& letter) {
            std::string body;
            auto json = whole(letter, body);
            if (invocation_.json) {
                json["body"] = body;
                return all.push_back(std::move(json));
            }
            std::cout << fmt::format("dead letter {} ({}), since {}\n  {}.{} '{}', slice {}, page {}\n  reason  {}\n  status  {}\n  url     {}\n",
                                     letter.id, letter.state, letter.created_at, letter.source, letter.stream, letter.part,
                                     letter.slice, letter.seq, letter.reason, letter.status, letter.url)
                      << "  again   pawl dlq show " << letter.id << " --json | jq -r '.[0].body'\n";
            if (!letter.url.empty()) std::cout << "          pawl preview " << letter.source << '.' << letter.stream << '\n';
            if (json.contains("body_error")) std::cout << "  body    " << json["body_error"].get<std::string>() << '\n';
            std::cout << '\n' << body.substr(0, body_shown) << (body.size() > body_shown ? "\n…" : "") << "\n\n";
        });
        if (invocation_.json) std::cout << dump(all, 2) << '\n';
        if (count < choice_.ids.size()) throw UsageError("there is no dead letter with such a number: pawl dlq list --all");
        return core::ExitCode::ok;
    }

    core::ExitCode export_all() {
        each(std::numeric_limits<std::size_t>::max(), [&](const DeadLetter& letter) {
            std::string body;
            auto json = whole(letter, body);
            json["body"] = std::move(body);
            std::cout << dump(json) << '\n';
        });
        return core::ExitCode::ok;
    }

    core::ExitCode drop() {
        std::vector<std::int64_t> ids;
        choice_.only_dead = true;
        each(std::numeric_limits<std::size_t>::max(), [&](const DeadLetter& letter) { ids.push_back(letter.id); });
        if (ids.empty()) return nothing();
        if (!is_wanted(fmt::format("Drop {} pages: what they hold is never stored, unless it is asked for again.",
                                   grouped(static_cast<std::int64_t>(ids.size()))),
                       invocation_.yes))
            return core::ExitCode::failure;
        const auto dropped = session_.wait_for(letters_->drop(std::move(ids)));
        if (invocation_.json) std::cout << dump(Json{{"dropped", dropped}}) << '\n';
        else std::cout << grouped(dropped) << " dropped\n";
        return core::ExitCode::ok;
    }

    core::ExitCode nothing() const {
        if (invocation_.json) std::cout << "{}\n";
        else std::cout << "No dead letters.\n";
        return core::ExitCode::ok;
    }

    std::shared_ptr<const core::SourceFile> source_of(const std::string& name) {
        if (sources_.empty()) sources_ = load_sources(source_files(source_paths(session_.settings)), invocation_.environment);
        return find_source(sources_, name);
    }

    std::optional<storage::PageCommit> page_of(const DeadLetter& letter) {
        const auto job = session_.wait_for(letters_->job(letter.id));
        if (!job) return std::nullopt;
        return worker::mapped(*source_of(letter.source), *job, session_.settings.http.body_max);
    }

    /// Requests of the streams below, one at least for each row that is not known there yet.
    static std::int64_t requests_below(const core::SourceFile& source, const storage::PageCommit& page) {
        const auto* stream = source.find(page.job.stream);
        std::int64_t requests = 0;
        if (stream == nullptr) return 0;
        for (const auto& child : source.streams)
            for (const auto& rows : page.rows.emits)
                if (core::feeds(*stream, stream->emits[rows.emit], child)) requests += static_cast<std::int64_t>(rows.row_count());
        return requests;
    }

    core::ExitCode replay() {
        choice_.only_dead = true;
        std::vector<DeadLetter> chosen;
        std::int64_t requests = 0;
        each(std::numeric_limits<std::size_t>::max(), [&](DeadLetter letter) {
            if (const auto page = page_of(letter)) requests += requests_below(*source_of(letter.source), *page);
            chosen.push_back(std::move(letter));
        });
        if (chosen.empty()) return nothing();
        if (!is_wanted(fmt::format("Replay {} pages; at most about {} requests follow from their rows.",
                                   grouped(static_cast<std::int64_t>(chosen.size())), grouped(requests)),
                       invocation_.yes))
            return core::ExitCode::failure;
        std::int64_t stored = 0, left = 0;
        Json results = Json::array();
        for (const auto& letter : chosen) {
            const auto said = replay_one(letter);
            ++(said.empty() ? stored : left);
            if (invocation_.json) results.push_back({{"id", letter.id}, {"stored", said.empty()}, {"reason", said}});
            else if (!said.empty()) std::cout << letter.id << " stays: " << said << '\n';
        }
        if (invocation_.json) std::cout << dump(results, 2) << '\n';
        else std::cout << grouped(stored) << " stored, " << grouped(left) << " stay as they were\n";
        return left == 0 ? core::ExitCode::ok : core::ExitCode::finished_with_losses;
    }

    /// Why it was not stored; "": it was.
    std::string replay_one(const DeadLetter& letter) {
        auto page = page_of(letter);
        if (!page) return "it is gone";
        if (page->dead_reason) return *page->dead_reason;
        const auto result = session_.wait_for(letters_->replay(source_of(letter.source), letter.id, std::move(*page)));
        return result.verdict == storage::Verdict::committed ? "" : result.reason;
    }

    const Invocation& invocation_;
    std::string action_;
    storage::DeadLetterChoice choice_;
    Session session_;
    std::optional<storage::DeadLetters> letters_;
    Sources sources_;
};

}  // namespace

core::ExitCode dlq(const Invocation& invocation) { return Dlq(invocation).run(); }

}  // namespace pawl::app
