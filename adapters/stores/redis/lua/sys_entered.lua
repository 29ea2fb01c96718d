-- Notes that a pod has said what it knows. ARGV: time, pod.
if redis.call('EXISTS', 'sys:unsettled') == 1 then redis.call('SADD', 'sys:entered', ARGV[2]) end
return 1
