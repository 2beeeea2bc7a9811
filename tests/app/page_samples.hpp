#pragma once

#include <string>
#include <utility>

#include "app/page_sample.hpp"

namespace pawl::app::test_samples {

constexpr std::int64_t sample_moment = 1'700'000'000;

inline PageSample sample_of(std::string body, collector::Headers headers = {},
                            const std::string& url = "https://api.example.org/v1/items") {
    collector::HttpResponse response;
    response.status = 200;
    response.headers = std::move(headers);
    response.body = std::move(body);
    return PageSample(url, response, sample_moment);
}

}  // namespace pawl::app::test_samples
