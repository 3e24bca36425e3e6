# assay with its data, live sources included: docker build -t assay . && docker run --rm -v assay:/home assay compare
FROM python:3.13-slim
WORKDIR /src
COPY requirements.lock pyproject.toml README.md LICENSE assay.py ./
RUN pip install --no-cache-dir -r requirements.lock
COPY research research
COPY strategies strategies
COPY data data
RUN pip install --no-cache-dir --no-deps .
ENV ASSAY_HOME=/home/assay
WORKDIR /work
ENTRYPOINT ["assay"]
