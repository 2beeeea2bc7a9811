#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "app/dry_walk.hpp"
#include "collector/http.hpp"
#include "collector/request.hpp"
#include "core/source_file.hpp"

namespace pawl::app {

/// A request and what was answered, without secrets.
struct Exchange {
    std::string file;  ///< where it is written, for messages
    std::string stream;
    std::string method, url, body;
    collector::HttpResponse response;  ///< location is not kept: it follows from the header
};

/// Exchanges with an API in a folder: recording.json says when and how much was asked for, NNN-STREAM.json is an exchange
/// each, in the order in which they were made.
struct Recording {
    std::int64_t begun = 0;  ///< microseconds since 1970: what the walks take for now
    DryBounds bounds;
    std::string about;       ///< where the responses come from, in words
    std::vector<Exchange> exchanges;

    /// Blocks. Throws core::ConfigError naming the file where there is none, or it is not what it should be.
    [[nodiscard]] static Recording read(const std::string& folder);
    /// Replaces the exchanges in `folder`, which is made where it is not there. Blocks. Throws core::PermanentError where a file
    /// cannot be written.
    void write(const std::string& folder, const std::string& source) const;
};

/// Where the recording of a source is, unless the command line says otherwise: fixtures/SOURCE beside its file.
[[nodiscard]] std::string recording_folder(const core::SourceFile& source);

/// The exchange as it may be kept: secrets are removed by their values, and by the names of query parameters and of members of
/// JSON; of the response's headers those are kept that pages are read by. Pure but for what redact() knows.
[[nodiscard]] Exchange recordable(const core::SourceFile& source, const core::Stream& stream,
                                  const collector::PageRequest& request, const collector::HttpResponse& response);
/// `text` with the values of JSON members that are called like a secret (access_token, password …) replaced by "***".
[[nodiscard]] std::string mask_members(std::string_view text);

/// Answers from a recording, by method, URL and body. What was asked several times is answered in that order, and then as the
/// last time.
class RecordedHttp final : public collector::Http {
  public:
    RecordedHttp(std::shared_ptr<const core::SourceFile> source, std::vector<Exchange> exchanges);

    core::Task<collector::HttpResult> fetch(collector::HttpRequest request) override;
    /// Requests that nothing was recorded for: `GET https://…`.
    [[nodiscard]] const std::set<std::string>& missing() const { return missing_; }
    /// Files of exchanges that nobody asked for.
    [[nodiscard]] std::vector<std::string> unused() const;

  private:
    struct Answers {
        std::vector<const Exchange*> exchanges;
        std::size_t asked = 0;
    };
    [[nodiscard]] std::string identity(const std::string& method, const std::string& url, const std::string& body) const;

    std::shared_ptr<const core::SourceFile> source_;
    std::vector<Exchange> exchanges_;
    std::map<std::string, Answers> answers_;
    std::set<std::string> missing_;
};

}  // namespace pawl::app
