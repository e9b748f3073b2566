"""One cluster and one store of objects for all tests of this folder."""

import pytest


@pytest.fixture(scope="session")
def cluster(s3):
    """A Ray cluster of this machine with two workers, which find the store of objects as this process does."""
    pytest.importorskip("ray")
    from spacy_al.distributed.ray_engine import connected

    with connected(2):
        yield


@pytest.fixture(scope="session")
def s3(tmp_path_factory):
    """A server that speaks S3 on the loopback; the folder's name of a bucket there."""
    moto = pytest.importorskip("moto.server")
    pytest.importorskip("s3fs")
    boto3 = pytest.importorskip("boto3")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        # as one names another server than Amazon's; a proxy of the machine is none for the loopback
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("NO_PROXY", "127.0.0.1,localhost")
        client = boto3.client("s3")
        client.create_bucket(Bucket="notes")
        yield client
    server.stop()
