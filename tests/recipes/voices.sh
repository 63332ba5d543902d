#!/usr/bin/env bash
# curl: a refusal is retried, and a voice is polled for with a sleep that moves the clock of the mock.
set -euo pipefail
port=${PORT:-8700}
base_url="http://127.0.0.1:$port"

# The client.
kling() {
  curl -sSf --retry 3 -H "Authorization: Bearer ${KLING_API_KEY:-any-key}" "$base_url$1" "${@:2}"
}

make_voice() { # sample, external id
  local voices=/v1/general/custom-voices task
  task=$(kling "$voices" -d '{"voice_name": "Ada", "voice_url": "'"$1"'", "external_task_id": "'"$2"'"}')
  until [[ $task =~ \"task_status\":\"(succeed|failed)\" ]]; do
    sleep 3
    task=$(kling "$voices/$2")
  done
  echo "$task"
}

# The test.
kling-mock serve --quiet --port "$port" &
trap 'kill $!' EXIT
export KLING_MOCK_URL=$base_url
curl -sf -o /dev/null --retry 30 --retry-delay 1 --retry-connrefused "$base_url/__mock__/health"

sleep() { kling-mock ctl advance "$1" > /dev/null; }

made=$(make_voice https://example.com/ada.mp3 ada-1)
[[ $made == *'"voice_name":"Ada"'* ]]

# A file named mock-risk-control fails inside HTTP 200: the reason is in task_status_msg.
failed=$(make_voice https://example.com/mock-risk-control.mp3 ada-2)
[[ $failed == *'"task_status":"failed"'*'"task_status_msg":"'*'risk control'* ]]

# curl waits itself for the second that Retry-After asks for.
kling-mock ctl arm '5001;retry-after=1' --operation getCustomVoice --count 1
kling /v1/general/custom-voices/ada-1 > /dev/null
kling-mock ctl verify --operation getCustomVoice --task ada-1 --code 5001 --count 1
